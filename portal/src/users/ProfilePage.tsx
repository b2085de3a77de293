// Who am I here, and how do programs sign in as me?
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { Link } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { UserResp } from "../api/schema.ts";
import { isAdmin, queries, sessionQuery, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Facts } from "../kit/Facts.tsx";
import { TextField } from "../kit/Field.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { SecretOnce } from "../kit/SecretOnce.tsx";
import { Name, Time } from "../kit/values.tsx";
import { toast } from "../kit/toast.tsx";
import { PasswordForm } from "./PasswordForm.tsx";
import classes from "./account.module.css";

const SOURCES: Record<string, Key> = { local: "users.source.local", ldap: "users.source.ldap", oidc: "users.source.oidc", header: "users.source.header" };

export default function ProfilePage() {
  const t = useTranslate();
  const user = useUser();
  if (!user) return <Page title={t("account.profile.title")} />;
  const local = (user.source ?? "local") === "local";
  return (
    <Page title={t("account.profile.title")}>
      <div className="sections">
        <section className="panel" aria-label={t("account.profile.facts")}>
          <Facts
            rows={[
              [t("users.column.name"), <Name key="n">{user.username}</Name>],
              [t("users.column.source"), t(SOURCES[user.source ?? "local"] ?? "users.source.local")],
              [t("users.column.admin"), isAdmin(user) ? t("account.profile.admin") : null],
              [t("users.column.created"), <Time key="c" value={user.creation_time} />],
              ...(local ? [] : ([[t("users.column.realname"), user.realname ? <bdi key="r">{user.realname}</bdi> : null], [t("users.column.email"), user.email ? <bdi key="e">{user.email}</bdi> : null]] as [string, React.ReactNode][])),
            ]}
          />
          {!local && <p className="muted">{t("account.profile.foreign")}</p>}
        </section>
        {local && <section className="stack" aria-labelledby="about-me"><h2 id="about-me">{t("account.profile.about")}</h2><AboutForm user={user} /></section>}
        {local && <section className="stack" aria-labelledby="password"><h2 id="password">{t("account.password.title")}</h2><p className="muted">{t("account.password.ends")}</p><PasswordForm user={user} /></section>}
        <section className="stack" aria-labelledby="programs">
          <h2 id="programs">{t("account.programs.title")}</h2>
          <p>{t("account.programs.said")} <Link to="/me/tokens">{t("account.tokens.title")}</Link></p>
          {user.source === "oidc" && <CliSecret user={user} />}
        </section>
      </div>
    </Page>
  );
}

function AboutForm({ user }: { user: UserResp }) {
  const t = useTranslate();
  const was = { realname: user.realname ?? "", email: user.email ?? "", comment: user.comment ?? "" };
  const [one, setOne] = useState(was);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const save = useMutation({
    mutationFn: () => call("PUT /users/{user_id}", { path: { user_id: user.user_id }, body: one }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      toast(t("account.profile.saved"));
    },
  });
  const change = (name: keyof typeof one) => (event: { currentTarget: { value: string } }) => { setOne({ ...one, [name]: event.currentTarget.value }); setWrong({}); };
  const send = (event: FormEvent) => {
    event.preventDefault();
    const found = { ...(one.realname.trim() === "" ? { realname: t("users.new.realnameMissing") } : {}), ...(one.email.includes("@") ? {} : { email: t("users.new.emailMissing") }) };
    setWrong(found);
    if (Object.keys(found).length === 0 && !save.isPending) save.mutate();
  };
  return (
    <form className={`stack ${classes["form"]}`} onSubmit={send} noValidate>
      <TextField label={t("users.column.realname")} autoComplete="name" value={one.realname} error={wrong["realname"]} onChange={change("realname")} />
      <TextField label={t("users.column.email")} type="email" autoComplete="email" value={one.email} error={wrong["email"]} onChange={change("email")} />
      <TextField label={t("users.column.comment")} optional maxLength={30} value={one.comment} onChange={change("comment")} />
      {save.error && <ProblemBox error={save.error} />}
      <div><Button type="submit" loading={save.isPending}>{t("users.profile.submit")}</Button></div>
    </form>
  );
}

/** The password of people of a provider at the command line: made here, shown once, and instead of the one before. */
function CliSecret({ user }: { user: UserResp }) {
  const t = useTranslate();
  const [shown, setShown] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: async () => (await call("PUT /users/{user_id}/cli_secret", { path: { user_id: user.user_id }, body: {} })).data.secret ?? "",
    onSuccess: setShown,
  });
  return (
    <div className="stack">
      <p>{t("account.cli.said")}</p>
      {make.error && <ProblemBox error={make.error} />}
      <div><Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>{t("account.cli.make")}</Button></div>
      {shown !== null && <SecretOnce title={t("account.cli.title")} name={user.username} secret={shown} onClose={() => setShown(null)} />}
    </div>
  );
}

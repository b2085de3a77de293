// An account of one's own, where the server lets strangers make one.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState, type FocusEvent, type FormEvent } from "react";
import { call, submit } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import { home } from "../app/startPage.ts";
import { safeNext } from "../app/paths.ts";
import { useSearch } from "../app/search.ts";
import { signIn, systemQuery, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { PasswordField, TextField } from "../kit/Field.tsx";
import { ProblemBox, useSay } from "../kit/ProblemBox.tsx";
import { isPassword } from "../users/queries.ts";
import { Entry } from "./Entry.tsx";

const REST_MS = 400;
const NAME = /^[^,"~#%$:/\s](?:[^,"~#%$:/]{0,253}[^,"~#%$:/\s])?$/;

export default function SignUpPage() {
  const t = useTranslate();
  const [search] = useSearch();
  const [next] = useState(() => safeNext(search["next"]));
  const navigate = useNavigate();
  const user = useUser();
  const system = useQuery(systemQuery).data;
  const isOpen = Boolean(system?.self_registration && system.auth_sources?.includes("local"));
  useEffect(() => {
    if (user) void home().then((start) => navigate({ href: next === "/" ? start : next, replace: true }));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [user]);
  const back = <Link {...({ to: "/sign-in", search: { next: search["next"] } } as object)} to="/sign-in">{t("identity.signIn.title")}</Link>;
  return (
    <Entry title={t("identity.signUp.title")}>
      {system && !isOpen && <Empty action={back}>{t("identity.signUp.closed")}</Empty>}
      {isOpen && user === null && <SignUpForm />}
      {isOpen && <p>{t("identity.signUp.has")} {back}</p>}
    </Entry>
  );
}

function SignUpForm() {
  const t = useTranslate();
  const [one, setOne] = useState({ username: "", realname: "", email: "", password: "" });
  const [wrong, setWrong] = useState<Partial<typeof one>>({});
  const [error, setError] = useState<unknown>(null);
  const say = useSay();
  const [busy, setBusy] = useState(false);
  const change = (name: keyof typeof one) => (event: { currentTarget: { value: string } }) => {
    setOne({ ...one, [name]: event.currentTarget.value });
    setWrong({ ...wrong, [name]: undefined });
  };
  const rule = (name: keyof typeof one): string | undefined => {
    if (name === "username") return NAME.test(one.username) ? undefined : t("identity.name.rule");
    if (name === "realname") return one.realname.trim() ? undefined : t("users.new.realnameMissing");
    if (name === "email") return one.email.includes("@") ? undefined : t("users.new.emailMissing");
    return isPassword(one.password) ? undefined : t("users.password.rule");
  };
  // Not on the way to the button: it would move from under the mouse.
  const leave = (name: keyof typeof one) => (event: FocusEvent) => { if (one[name] !== "" && !(event.relatedTarget instanceof HTMLButtonElement)) setWrong({ ...wrong, [name]: wrong[name] ?? rule(name) }); };
  useTaken("username", one.username, NAME.test(one.username), () => setWrong((was) => ({ ...was, username: t("identity.name.taken", { name: one.username }) })));
  useTaken("email", one.email, one.email.includes("@"), () => setWrong((was) => ({ ...was, email: t("identity.signUp.emailTaken") })));
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const found = Object.fromEntries((Object.keys(one) as (keyof typeof one)[]).map((name) => [name, rule(name)]).filter(([, said]) => said !== undefined)) as Partial<typeof one>;
    setWrong(found);
    if (busy) return;
    if (Object.keys(found).length > 0) {
      (event.target as HTMLFormElement).querySelector<HTMLInputElement>(`[name=${Object.keys(found)[0]}]`)?.focus();
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await call("POST /users", { body: { ...one, comment: "" } });
      await signIn(one.username, one.password);
    } catch (thrown) {
      if (asProblem(thrown).status === 409) setWrong({ username: await say(asProblem(thrown)) });
      else setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void send(event)} noValidate>
      <TextField label={t("users.column.name")} name="username" autoComplete="username" autoCapitalize="none" autoFocus description={wrong.username === undefined && t("identity.name.rule")} value={one.username} error={wrong.username} maxLength={255} onChange={change("username")} onBlur={leave("username")} />
      <TextField label={t("users.column.realname")} name="realname" autoComplete="name" value={one.realname} error={wrong.realname} maxLength={255} onChange={change("realname")} onBlur={leave("realname")} />
      <TextField label={t("users.column.email")} name="email" type="email" autoComplete="email" value={one.email} error={wrong.email} onChange={change("email")} onBlur={leave("email")} />
      <PasswordField label={t("identity.signIn.password")} name="password" description={wrong.password === undefined && t("users.password.rule")} autoComplete="new-password" value={one.password} error={wrong.password} onChange={change("password")} onBlur={leave("password")} />
      {error !== null && <ProblemBox error={error} />}
      <Button type="submit" loading={busy} fullWidth>{t("identity.signUp.submit")}</Button>
    </form>
  );
}

/** Ask whether a name or an address is taken, after a rest; a failure says nothing: the server decides when it is sent. */
function useTaken(target: "username" | "email", value: string, isGood: boolean, onTaken: () => void): void {
  useEffect(() => {
    if (!isGood) return undefined;
    let isLate = false;
    const timer = setTimeout(() => {
      submit("/c/userExists", { target, value }).then(async (reply) => { if ((await reply.json()) === true && !isLate) onTaken(); }, () => undefined);
    }, REST_MS);
    return () => {
      isLate = true;
      clearTimeout(timer);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [target, value, isGood]);
}

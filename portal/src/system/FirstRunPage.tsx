// Is it running, and how do I push? What an administrator reads first, until something is there or they put it away.
import { Button, Select } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconCircleDashed, IconX, type Icon } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent, type ReactNode } from "react";
import { call } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import type { Repository } from "../api/schema.ts";
import { PasswordForm } from "../users/PasswordForm.tsx";
import { prefer } from "../app/preferences.ts";
import { places, split } from "../app/paths.ts";
import { systemQuery, useUser } from "../app/session.tsx";
import { useLanguage, useErrorTexts, useTranslate } from "../i18n/hooks.ts";
import { LANGUAGES, type Language as Spoken } from "../i18n/languages.ts";
import { setLanguage } from "../i18n/loading.ts";
import type { Key } from "../i18n/translator.ts";
import { PushCommands } from "../artifacts/PushCommands.tsx";
import { Fact } from "./Finding.tsx";
import { TextField } from "../kit/Field.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name } from "../kit/values.tsx";
import { projectsChanged } from "../projects/queries.ts";
import classes from "./start.module.css";

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const FINDINGS = ["health", "findings"];
const OWN_PASSWORD = "ADMIN_PASSWORD_FILE"; // of the doctor: the password that was made at the first start is still there
const SETTING = "external_url";
const WAIT_MS = 2000;

type State = "done" | "open" | "warns" | "fails";
const SIGNS: Record<State, [Icon, Key]> = { done: [IconCheck, "start.state.done"], open: [IconCircleDashed, "start.state.open"], warns: [IconAlertTriangle, "start.state.warns"], fails: [IconX, "start.state.fails"] };

export default function FirstRunPage() {
  const t = useTranslate();
  const navigate = useNavigate();
  const [project, setProject] = useState<string | null>(null);
  const finish = useMutation({ mutationFn: () => prefer({ first_run: "done" }), onSuccess: () => navigate({ to: "/projects" }) });
  return (
    <Page title={t("start.title")} actions={<Language />} under={<p className="muted">{t("start.said")}</p>}>
      <ol className={classes["steps"]}>
        <Checks />
        <Address />
        <Password />
        <Project made={project} onMade={setProject} />
        <Push project={project} />
      </ol>
      {finish.error && <ProblemBox error={finish.error} />}
      <div><Button variant="default" loading={finish.isPending} onClick={() => finish.mutate()}>{t("start.finish")}</Button></div>
    </Page>
  );
}

function Language() {
  const t = useTranslate();
  const language = useLanguage();
  const choose = (value: string | null) => {
    void setLanguage(value as Spoken, true);
    void prefer({ language: value as Spoken }).catch(() => undefined);
  };
  return <Select aria-label={t("shell.language.label")} w={160} allowDeselect={false} value={language} data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} onChange={choose} />;
}

function Step({ title, state, children }: { title: string; state: State; children: ReactNode }) {
  const t = useTranslate();
  const [Sign, word] = SIGNS[state];
  return (
    <li className={classes["step"]} data-state={state}>
      <Sign size={20} stroke={1.5} role="img" aria-label={t(word)} className={classes["sign"]} />
      <div className="stack"><h2>{title}</h2>{children}</div>
    </li>
  );
}

const useFindings = () => useQuery({ queryKey: FINDINGS, queryFn: async ({ signal }) => (await call("GET /health/findings", { signal })).data });

/** Storage, database, certificate and the rest, as the doctor sees them. */
function Checks() {
  const t = useTranslate();
  const query = useFindings();
  const worded = useErrorTexts();
  if (query.error) return <Step title={t("start.checks.title")} state="fails"><ProblemBox error={query.error} onRetry={() => void query.refetch()} /></Step>;
  const wrong = query.data?.findings.filter((one) => one.state !== "ok" && one.code !== OWN_PASSWORD) ?? [];
  const state = query.data === undefined ? "open" : wrong.some((one) => one.state === "error") ? "fails" : wrong.length ? "warns" : "done";
  return (
    <Step title={t("start.checks.title")} state={state}>
      {state === "done" && <p>{t("start.checks.well")}</p>}
      {worded && wrong.map((one) => <div key={`${one.code} ${one.where} ${one.text}`}><Fact of={one} /></div>)}
      {query.data && <p><Link to="/admin/health">{t("start.checks.all")}</Link></p>}
    </Step>
  );
}

/** The name that commands use; a browser that came by another one is told. */
function Address() {
  const t = useTranslate();
  const system = useQuery(systemQuery).data;
  const host = system?.registry_url ?? location.host;
  const differs = host !== location.host;
  return (
    <Step title={t("start.address.title")} state={differs ? "warns" : "done"}>
      <p>{t("start.address.said")} <code translate="no">{system?.external_url ?? location.origin}</code></p>
      {differs ? <p className="muted">{t("start.address.differs", { here: location.host })}</p> : <p className="muted">{t("start.address.how")} <code translate="no">{SETTING}</code></p>}
    </Step>
  );
}

function Password() {
  const t = useTranslate();
  const user = useUser();
  const found = useFindings().data;
  const [changed, setChanged] = useState(false); // the doctor looks again a while later
  if (!user || user.source !== "local") return null;
  const made = !changed && (found?.findings.some((one) => one.code === OWN_PASSWORD) ?? false);
  return (
    <Step title={t("start.password.title")} state={made ? "warns" : "done"}>
      <p>{made ? t("start.password.made", { name: user.username }) : t("start.password.own", { name: user.username })}</p>
      {made && <PasswordForm user={user} onDone={() => setChanged(true)} />}
    </Step>
  );
}

function Project({ made, onMade }: { made: string | null; onMade: (name: string) => void }) {
  const t = useTranslate();
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: () => call("POST /projects", { body: { project_name: name, metadata: { public: "false" }, storage_limit: -1 } }),
    onSuccess: async () => {
      onMade(name);
      await projectsChanged();
    },
    onError: (error) => { if (asProblem(error).status === 409) onMade(name); }, // it is there: as good
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!NAME.test(name)) setWrong(t("projects.new.nameRule"));
    else if (!make.isPending) make.mutate();
  };
  return (
    <Step title={t("start.project.title")} state={made ? "done" : "open"}>
      {made !== null && <p><Link to={places.repositories(made)}><Name>{made}</Name></Link></p>}
      {made === null && (
        <form className={`stack ${classes["form"]}`} onSubmit={send} noValidate>
          <p>{t("start.project.said")}</p>
          <TextField label={t("projects.new.name")} description={t("projects.new.nameRule")} value={name} error={wrong} maxLength={255} onChange={(event) => { setName(event.currentTarget.value); setWrong(null); }} />
          {make.error && asProblem(make.error).status !== 409 && <ProblemBox error={make.error} />}
          <div><Button type="submit" loading={make.isPending}>{t("projects.new.submit")}</Button></div>
        </form>
      )}
    </Step>
  );
}

/** The commands; what arrives is shown by itself. */
function Push({ project }: { project: string | null }) {
  const t = useTranslate();
  const query = useQuery<Repository | null>({
    queryKey: ["start", "pushed"],
    refetchInterval: (state) => (state.state.data ? false : WAIT_MS),
    queryFn: async ({ signal }) => (await call("GET /repositories", { query: { page_size: 1, sort: "-update_time" }, signal, quiet: true })).data[0] ?? null,
  });
  const found = query.data;
  return (
    <Step title={t("start.push.title")} state={found ? "done" : "open"}>
      <PushCommands project={project ?? "library"} />
      <p role="status">{found ? <>{t("start.push.received")} <Link to={places.repository(...split(found.name ?? ""))}><Name>{found.name ?? ""}</Name></Link></> : <span className="muted">{t("start.push.waiting")}</span>}</p>
    </Step>
  );
}

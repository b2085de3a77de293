// How does this project behave?
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { call } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import type { Project } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { isAdmin, useCan, useMay, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { LeaveGuard, useDraft } from "../kit/Draft.tsx";
import { NumberField, SwitchField } from "../kit/Field.tsx";
import { lazyPart } from "../kit/lazyPart.ts";
import { ProblemBox, useSay } from "../kit/ProblemBox.tsx";
import { toast } from "../kit/toast.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { IS_NAME, projectChanged, projectQuery, projectsChanged } from "./queries.ts";
import { Limits } from "./Limits.tsx";
import { Mirrors } from "../proxycache/Mirrors.tsx";
import { ProxyFields } from "../proxycache/ProxyFields.tsx";
import { USUAL, proxyProblem } from "../proxycache/proxy.ts";
import classes from "./settings.module.css";

const DeleteProjects = lazyPart(() => import("./DeleteProjects.tsx"));
const USUAL_TRASH_DAYS = "7";
const noSecret = () => false;

export default function ProjectSettingsPage() {
  const { project: name } = useParams({ strict: false }) as { project: string };
  const project = useQuery(projectQuery(name)).data;
  const isKnown = useUser() !== undefined; // whose draft there may be
  return project && isKnown ? <Settings key={project.project_id} project={project} /> : <Waiting />;
}

function Settings({ project }: { project: Project }) {
  const t = useTranslate();
  const can = useCan();
  const navigate = useNavigate();
  const admin = isAdmin(useUser());
  const may = useMay(project.name);
  const writes = may("project:update") || may("metadata:update");
  const isProxy = Boolean(project.registry_id);
  const set = project.metadata as Record<string, string | null | undefined>;
  const was: Record<string, string> = Object.fromEntries(Object.entries({ public: "false", trash_days: USUAL_TRASH_DAYS, ...(isProxy ? USUAL : {}) }).map(([name, usual]) => [name, set[name] ?? usual]));
  const draft = useDraft(`project/${project.name}`, noSecret);
  const values = { ...was, ...(draft.values as Record<string, string>) };
  const changed = Object.keys(was).filter((name) => values[name] !== was[name]);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [going, setGoing] = useState(false);
  const change = (name: string, value: string) => {
    draft.set({ [name]: value });
    setWrong({});
  };
  const say = useSay();
  const save = useMutation({
    mutationFn: async (_sent: Record<string, unknown>) => {
      const path = { project_name_or_id: project.name };
      const metadata = Object.fromEntries(changed.filter((name) => values[name] !== "").map((name) => [name, values[name]]));
      if (Object.keys(metadata).length) await call("PUT /projects/{project_name_or_id}", { path, header: IS_NAME, body: { metadata } });
      // An empty text changes nothing there: what was taken away is deleted.
      for (const name of changed.filter((one) => values[one] === "")) await call("DELETE /projects/{project_name_or_id}/metadatas/{meta_name}", { path: { ...path, meta_name: name }, header: IS_NAME });
    },
    onSuccess: async (_answer, sent) => {
      await projectChanged(project.name);
      void projectsChanged();
      draft.forget(sent);
      toast(t("settings.saved"));
    },
    onError: (error) => {
      const problem = asProblem(error);
      const { name } = problem.detail;
      const field = problem.reason === "SELECTOR_INVALID" ? "proxy_cache_filter_pattern" : typeof name === "string" && name in was ? name : null;
      if (field !== null) void say(problem).then((text) => setWrong({ [field]: text }));
    },
  });
  const dirty = changed.length > 0;
  const days = values["trash_days"] ?? "";
  const send = () => {
    const found: Record<string, string> = /^\d{1,4}$/.test(days) && Number(days) <= 3650 ? {} : { trash_days: t("settings.trash.rule") };
    for (const name of changed) {
      const problem = proxyProblem(name, values[name] ?? "");
      if (problem !== null) found[name] = t(problem === "seconds" ? "settings.proxy.wrongSeconds" : "settings.proxy.wrongLimit");
    }
    setWrong(found);
    if (Object.keys(found).length === 0) save.mutate(draft.values);
  };
  return (
    <div className="sections">
      <form className={classes["form"]} noValidate onSubmit={(event) => { event.preventDefault(); send(); }}>
        <h2>{t("settings.general")}</h2>
        <SwitchField label={t("settings.public.label")} description={t("settings.public.hint")} checked={values["public"] === "true"} disabled={!writes} onChange={(event) => change("public", String(event.currentTarget.checked))} />
        {can("trash") && <NumberField label={t("settings.trash.label")} description={t("settings.trash.rule")} value={days} error={wrong["trash_days"]} disabled={!writes} min={0} max={3650} classNames={{ input: classes["number"] ?? "" }} onChange={(value) => change("trash_days", String(value))} />}
        {isProxy && <ProxyFields project={project.name} values={values} wrong={wrong} disabled={!writes} onChange={change} />}
        <LeaveGuard dirty={dirty && !save.isPending} onDiscard={draft.clear} />
        {save.error && Object.keys(wrong).length === 0 && <ProblemBox error={save.error} />}
        {writes && (
          <div className="row">
            <Button type="submit" loading={save.isPending} disabled={!dirty}>{t("settings.save")}</Button>
            {dirty && <Button variant="subtle" onClick={() => { draft.clear(); setWrong({}); save.reset(); }}>{t("settings.reset")}</Button>}
          </div>
        )}
      </form>
      {admin && <Limits project={project} />}
      {admin && can("mirror") && <Mirrors project={project.name} />}
      {may("project:delete") && (
        <section className={classes["form"]} aria-label={t("settings.delete.section")}>
          <h2>{t("settings.delete.section")}</h2>
          <p>{t("settings.delete.about")}</p>
          <div><Button variant="default" className="danger" onClick={() => setGoing(true)}>{t("settings.delete.open")}</Button></div>
        </section>
      )}
      <Suspense>{going && <DeleteProjects names={[project.name]} onClose={() => setGoing(false)} onDone={() => void navigate({ to: places.projects })} />}</Suspense>
    </div>
  );
}

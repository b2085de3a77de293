// How does this project behave?
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Project } from "../api/schema.ts";
import { places } from "../app/places.ts";
import { useCan, useMay } from "../app/session.tsx";
import { useLanguage, useWords } from "../app/words.ts";
import { Confirm } from "../kit/Confirm.tsx";
import { NumberField, SwitchField } from "../kit/Field.tsx";
import { bytes } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { toast } from "../kit/toast.tsx";
import { IS_NAME, projectChanged, projectQuery, projectsChanged } from "../projects/queries.ts";
import classes from "./settings.module.css";

const USUAL_TRASH_DAYS = "7";

export default function ProjectSettingsPage() {
  const { project: name } = useParams({ strict: false }) as { project: string };
  const project = useQuery(projectQuery(name)).data;
  return project ? <Settings key={project.project_id} project={project} /> : null;
}

function Settings({ project }: { project: Project }) {
  const t = useWords();
  const can = useCan();
  const may = useMay(project.name);
  const writes = may("project:update") || may("metadata:update");
  const was = { public: project.metadata.public === "true", days: project.metadata.trash_days ?? USUAL_TRASH_DAYS };
  const [isPublic, setPublic] = useState(was.public);
  const [days, setDays] = useState(was.days);
  const [wrong, setWrong] = useState<string | null>(null);
  const [going, setGoing] = useState(false);
  const save = useMutation({
    mutationFn: () => call("PUT /projects/{project_name_or_id}", { path: { project_name_or_id: project.name }, header: IS_NAME, body: { metadata: { public: String(isPublic), ...(days === was.days ? {} : { trash_days: days }) } } }),
    onSuccess: async () => {
      await projectChanged(project.name);
      void projectsChanged();
      toast(t("settings.saved"));
    },
  });
  const dirty = isPublic !== was.public || days !== was.days;
  const send = () => {
    if (!/^\d{1,4}$/.test(days) || Number(days) > 3650) setWrong(t("settings.trash.rule"));
    else save.mutate();
  };
  return (
    <div className="sections">
      <form className={classes["form"]} noValidate onSubmit={(event) => { event.preventDefault(); send(); }}>
        <h2>{t("settings.general")}</h2>
        <SwitchField label={t("settings.public.label")} description={t("settings.public.hint")} checked={isPublic} disabled={!writes} onChange={(event) => setPublic(event.currentTarget.checked)} />
        {can("trash") && <NumberField label={t("settings.trash.label")} description={t("settings.trash.rule")} value={days} error={wrong} disabled={!writes} min={0} max={3650} classNames={{ input: classes["number"] ?? "" }} onChange={(value) => { setDays(String(value)); setWrong(null); }} />}
        {save.error && <ProblemBox error={save.error} />}
        {writes && (
          <div className="row">
            <Button type="submit" loading={save.isPending} disabled={!dirty}>{t("settings.save")}</Button>
            {dirty && <Button variant="subtle" onClick={() => { setPublic(was.public); setDays(was.days); }}>{t("settings.reset")}</Button>}
          </div>
        )}
      </form>
      {may("project:delete") && (
        <section className={classes["form"]} aria-label={t("settings.delete.section")}>
          <h2>{t("settings.delete.section")}</h2>
          <p>{t("settings.delete.about")}</p>
          <div><Button variant="default" className="danger" onClick={() => setGoing(true)}>{t("settings.delete.open")}</Button></div>
        </section>
      )}
      {going && <DeleteProject name={project.name} onClose={() => setGoing(false)} />}
    </div>
  );
}

function DeleteProject({ name, onClose }: { name: string; onClose: () => void }) {
  const t = useWords();
  const language = useLanguage();
  const navigate = useNavigate();
  const path = { project_name_or_id: name };
  const preview = useQuery({ queryKey: ["project", name, "deletion"], staleTime: 0, queryFn: async () => (await call("GET /projects/{project_name_or_id}/deletion", { path, header: IS_NAME })).data });
  const remove = useMutation({
    mutationFn: () => call("DELETE /projects/{project_name_or_id}", { path, header: IS_NAME }),
    onSuccess: async () => {
      toast(t("settings.delete.done", { name }));
      await navigate({ to: places.projects });
      void projectsChanged();
    },
  });
  const found = preview.data;
  return (
    <Confirm title={t("settings.delete.title", { name })} submit={t("settings.delete.submit")} name={name} busy={remove.isPending || preview.isPending} error={remove.error ?? preview.error} onConfirm={() => remove.mutate()} onClose={onClose}>
      {found && !found.allowed && <p>{t("settings.delete.refused", { count: found.repository_count })}</p>}
      {found && found.allowed && found.trash_days > 0 && <p>{t("settings.delete.trash", { bytes: bytes(found.freed, language), count: found.trash_days })}</p>}
      {found && found.allowed && found.trash_days === 0 && <p>{t("settings.delete.final")}</p>}
    </Confirm>
  );
}

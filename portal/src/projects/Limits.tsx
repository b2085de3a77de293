// How much a project may hold: set by administrators of the system.
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Project } from "../api/schema.ts";
import { queries } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { NumberField } from "../kit/Field.tsx";
import { bytes, number } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { toast } from "../kit/toast.tsx";
import { projectChanged } from "./queries.ts";
import { limitOf, shownLimit } from "../quotas/limit.ts";
import classes from "./settings.module.css";

const KINDS = ["storage", "repositories", "tags"] as const;
type Kind = (typeof KINDS)[number];

const shown = (kind: Kind, limit: number): string => (kind === "storage" ? shownLimit(limit) : limit < 0 ? "" : String(limit));
const read = (kind: Kind, text: string): number => (kind === "storage" ? limitOf(text) : text.trim() === "" ? -1 : Number(text));

export function Limits({ project }: { project: Project }) {
  const t = useTranslate();
  const language = useLanguage();
  const [typed, setTyped] = useState<Partial<Record<Kind, string>>>({});
  const query = useQuery({ queryKey: ["project", project.name, "quota"], queryFn: async ({ signal }) => (await call("GET /quotas", { query: { reference: "project", reference_id: String(project.project_id) }, signal })).data[0] ?? null });
  const quota = query.data;
  const changes = Object.fromEntries(KINDS.filter((kind) => typed[kind] !== undefined && typed[kind] !== shown(kind, quota?.hard[kind] ?? -1)).map((kind) => [kind, read(kind, typed[kind] ?? "")]));
  const save = useMutation({
    mutationFn: () => call("PUT /quotas/{id}", { path: { id: quota?.id ?? 0 }, body: { hard: changes } }),
    onSuccess: async () => {
      await projectChanged(project.name);
      void queries.invalidateQueries({ queryKey: ["projects"] });
      setTyped({});
      toast(t("settings.saved"));
    },
  });
  if (query.error && query.data === undefined) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  if (!quota) return null;
  const dirty = Object.keys(changes).length > 0;
  const used = (kind: Kind) => (kind === "storage" ? bytes(quota.used[kind] ?? 0, language) : number(quota.used[kind] ?? 0, language));
  return (
    <form className={classes["form"]} noValidate aria-label={t("settings.limits.title")} onSubmit={(event) => { event.preventDefault(); if (dirty && !save.isPending) save.mutate(); }}>
      <h2>{t("settings.limits.title")}</h2>
      {KINDS.map((kind) => (
        <NumberField
          key={kind} label={t(`settings.limits.${kind}`)} description={t("settings.limits.used", { used: used(kind) })} placeholder={t("settings.limits.none")} value={typed[kind] ?? shown(kind, quota.hard[kind] ?? -1)} min={0} classNames={{ input: classes["number"] ?? "" }}
          {...(kind === "storage" ? { suffix: " GiB", decimalScale: 2 } : { allowDecimal: false })} onChange={(value) => { save.reset(); setTyped({ ...typed, [kind]: String(value) }); }}
        />
      ))}
      {save.error && <ProblemBox error={save.error} />}
      <div className="row">
        <Button type="submit" loading={save.isPending} disabled={!dirty}>{t("settings.limits.save")}</Button>
        {dirty && <Button variant="subtle" onClick={() => { setTyped({}); save.reset(); }}>{t("settings.reset")}</Button>}
      </div>
    </form>
  );
}

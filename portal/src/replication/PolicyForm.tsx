// The form of a policy: where to, what of, when, and what happens to what is there.
import { Button, SegmentedControl } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { ReplicationFilter, ReplicationPolicy } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { KeptNote, useKept } from "../kit/Draft.tsx";
import { CheckField, NumberField, SelectField, TextField } from "../kit/Field.tsx";
import { useConflict } from "../kit/ProblemBox.tsx";
import { ScheduleField, plannedOf, scheduleOf, type Planned } from "../kit/Schedule.tsx";
import { allRegistriesQuery } from "../registries/queries.ts";
import { isPull, otherOf, replicationsChanged } from "./queries.ts";

/** A pattern, in every language. */
const EXAMPLE = "team/**";

interface Values {
  name: string;
  description: string;
  direction: "push" | "pull";
  registry: string;
  names: string;
  tags: string;
  tagsHow: string;
  namespace: string;
  replace: string;
  trigger: string;
  planned: Planned;
  override: boolean;
  deletion: boolean;
  enabled: boolean;
  speed: string;
}

const text = (filters: ReplicationFilter[], type: string) => { const found = filters.find((one) => one.type === type)?.value; return typeof found === "string" ? found : ""; };

function valuesOf(one: ReplicationPolicy | undefined): Values {
  const filters = one?.filters ?? [];
  return {
    name: one?.name ?? "", description: one?.description ?? "", direction: one && isPull(one) ? "pull" : "push", registry: one ? String(otherOf(one)?.id ?? "") : "",
    names: text(filters, "name"), tags: text(filters, "tag"), tagsHow: filters.find((each) => each.type === "tag")?.decoration || "matches", namespace: one?.dest_namespace ?? "", replace: String(one?.dest_namespace_replace_count ?? 1),
    trigger: one?.trigger?.type ?? "manual", planned: one?.trigger?.type === "scheduled" ? plannedOf("Custom", one.trigger.trigger_settings?.cron ?? "") : { kind: "Daily", cron: "" },
    override: one?.override ?? true, deletion: one?.replicate_deletion ?? false, enabled: one?.enabled ?? true, speed: one?.speed && one.speed > 0 ? String(one.speed) : "",
  };
}

/** Filters of other types than the form has stay as they are. */
function filtersOf(one: Values, before: ReplicationFilter[]): ReplicationFilter[] {
  const keeps = (type: string) => { const kind = before.find((each) => each.type === type)?.kind; return kind ? { kind } : {}; };
  return [
    ...before.filter((each) => each.type !== "name" && each.type !== "tag"),
    ...(one.names.trim() ? [{ type: "name", value: one.names.trim(), ...keeps("name") }] : []),
    ...(one.tags.trim() ? [{ type: "tag", value: one.tags.trim(), decoration: one.tagsHow, ...keeps("tag") }] : []),
  ];
}

export function PolicyForm({ policy, onClose }: { policy?: ReplicationPolicy; onClose: () => void }) {
  const t = useTranslate();
  const registries = useQuery(allRegistriesQuery).data;
  const [one, setOne, kept] = useKept<Values>(`replication/${policy?.id ?? "new"}`, valuesOf(policy));
  const [wrong, setWrong] = useState<Partial<Record<"name" | "registry", string>>>({});
  const change = (part: Partial<Values>) => { setOne({ ...one, ...part }); setWrong({}); if (save.isError) save.reset(); };
  const pulls = one.direction === "pull";
  const trigger = pulls && one.trigger === "event_based" ? "manual" : one.trigger; // nobody tells us what is pushed elsewhere
  const save = useMutation({
    mutationFn: async () => {
      const other = { id: Number(one.registry) };
      const body: ReplicationPolicy = {
        name: one.name.trim(), description: one.description, src_registry: pulls ? other : { id: 0 }, dest_registry: pulls ? { id: 0 } : other, dest_namespace: one.namespace.trim(),
        dest_namespace_replace_count: Number(one.replace), filters: filtersOf(one, policy?.filters ?? []), trigger: { type: trigger, trigger_settings: trigger === "scheduled" ? { cron: scheduleOf(one.planned).cron } : null },
        override: one.override, replicate_deletion: trigger === "event_based" && one.deletion, enabled: one.enabled, speed: one.speed === "" ? -1 : Number(one.speed),
      };
      if (policy) await call("PUT /replication/policies/{id}", { path: { id: policy.id ?? 0 }, body });
      else await call("POST /replication/policies", { body });
    },
    onSuccess: async () => { await replicationsChanged(); onClose(); },
  });
  const taken = useConflict(save.error);
  const send = () => {
    const found = { ...(one.name.trim() === "" ? { name: t("replications.field.nameMissing") } : {}), ...(one.registry === "" ? { registry: t("replications.field.registryMissing") } : {}) };
    setWrong(found);
    if (Object.keys(found).length === 0) save.mutate();
  };
  const dirty = JSON.stringify(one) !== JSON.stringify(valuesOf(policy)) && !save.isSuccess;
  const title = policy ? t("replications.edit.title", { name: policy.name ?? "" }) : t("replications.new.title");
  if (registries?.length === 0) {
    return (
      <Dialog title={title} opened onClose={onClose}>
        <div className="stack"><p>{t("replications.noRegistry")}</p><span><Button component={Link} {...({ to: "/admin/registries" } as object)}>{t("replications.toRegistries")}</Button></span></div>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} opened onClose={onClose} dirty={dirty} size={560}>
      <DialogForm submit={policy ? t("replications.edit.submit") : t("replications.new.submit")} onSubmit={send} onCancel={onClose} busy={save.isPending} error={taken === null ? save.error : null}>
        <KeptNote kept={kept} />
        <TextField label={t("replications.column.name")} value={one.name} error={wrong.name ?? taken} maxLength={255} data-autofocus onChange={(event) => change({ name: event.currentTarget.value })} />
        <SegmentedControl aria-label={t("replications.field.direction")} value={one.direction} data={[{ value: "push", label: t("replications.field.push") }, { value: "pull", label: t("replications.field.pull") }]} onChange={(direction) => change({ direction: direction as Values["direction"] })} />
        <SelectField label={t("replications.field.registry")} value={one.registry || null} error={wrong.registry} data={(registries ?? []).map((each) => ({ value: String(each.id), label: each.name ?? "" }))} onChange={(registry) => change({ registry: String(registry) })} />
        <TextField label={t("replications.field.names")} optional placeholder={EXAMPLE} description={t("replications.field.namesHint")} value={one.names} onChange={(event) => change({ names: event.currentTarget.value })} classNames={{ input: "mono" }} />
        <TextField label={t("replications.field.tags")} optional placeholder="v*" description={t("replications.field.tagsHint")} value={one.tags} onChange={(event) => change({ tags: event.currentTarget.value })} classNames={{ input: "mono" }} />
        {one.tags && <SelectField label={t("replications.field.tagsHow")} value={one.tagsHow} data={[{ value: "matches", label: t("replications.field.matches") }, { value: "excludes", label: t("replications.field.excludes") }]} onChange={(how) => change({ tagsHow: String(how) })} />}
        <TextField label={t("replications.field.namespace")} optional description={t("replications.field.namespaceHint")} value={one.namespace} onChange={(event) => change({ namespace: event.currentTarget.value })} />
        {one.namespace && <SelectField label={t("replications.field.replace")} value={one.replace} data={[["-1", t("replications.field.replaceAll")], ["0", t("replications.field.replaceNone")], ...["1", "2", "3"].map((count) => [count, t("replications.field.replaceSome", { count: Number(count) })])].map(([value, label]) => ({ value: value as string, label: label as string }))} onChange={(replace) => change({ replace: String(replace) })} />}
        <SelectField label={t("replications.column.trigger")} value={trigger} data={[{ value: "manual", label: t("replications.trigger.manual") }, { value: "scheduled", label: t("replications.trigger.scheduled") }, ...(pulls ? [] : [{ value: "event_based", label: t("replications.trigger.event") }])]} onChange={(kind) => change({ trigger: String(kind) })} />
        {trigger === "scheduled" && <ScheduleField label={t("replications.field.when")} value={one.planned} onChange={(planned) => change({ planned })} without={["None"]} />}
        {trigger === "event_based" && <CheckField label={t("replications.field.deletion")} description={t("replications.field.deletionHint")} checked={one.deletion} onChange={(event) => change({ deletion: event.currentTarget.checked })} />}
        <CheckField label={t("replications.field.override")} checked={one.override} onChange={(event) => change({ override: event.currentTarget.checked })} />
        <NumberField label={t("replications.field.speed")} optional description={t("replications.field.speedHint")} value={one.speed} min={1} suffix=" KiB/s" onChange={(speed) => change({ speed: String(speed) })} />
        <CheckField label={t("replications.field.enabled")} checked={one.enabled} onChange={(event) => change({ enabled: event.currentTarget.checked })} />
      </DialogForm>
    </Dialog>
  );
}

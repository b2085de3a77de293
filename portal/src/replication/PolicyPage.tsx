// What does this policy do, and how did its runs end?
import { Button, Select } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { ReplicationExecution, ReplicationFilter } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { Failed } from "../app/guards.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Progress } from "../kit/Progress.tsx";
import { Bytes, Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { isOver, progressText, shareOf, StateChip, Took } from "../kit/Work.tsx";
import { useReopen } from "../kit/formStorage.ts";
import { PolicyForm } from "./PolicyForm.tsx";
import { policyQuery, progressOf, runPath, runsQuery, start } from "./queries.ts";
import { Where } from "./ReplicationsPage.tsx";
import { useTrigger } from "./trigger.ts";

const STATES: [string, Key][] = [["InProgress", "work.running"], ["Succeed", "work.done"], ["Failed", "work.failed"], ["Stopped", "work.stopped"]];

export default function PolicyPage() {
  const t = useTranslate();
  const language = useLanguage();
  const navigate = useNavigate();
  const trigger = useTrigger();
  const id = Number((useParams({ strict: false }) as { policy: string }).policy);
  const list = useListState();
  const query = useQuery(policyQuery(id));
  const runs = useQuery(runsQuery(id, list));
  const [edits, setEdits] = useState(false);
  useReopen(`replication/${id}`, () => { setEdits(true); return true; });
  const run = useMutation({ mutationFn: () => start(id), onSuccess: (made) => navigate({ to: runPath(id, made) }) });
  if (query.error && !query.data) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const policy = query.data;
  const columns: Column<ReplicationExecution>[] = [
    { id: "began", head: t("replications.column.began"), cell: (one) => <Link to={runPath(id, one.id)}><Time value={one.start_time} /></Link> },
    { id: "state", head: t("replications.column.state"), width: "fit", phone: 1, cell: (one) => <StateChip status={one.status} {...(one.status_text ? { title: one.status_text } : {})} /> },
    { id: "progress", head: t("replications.column.artifacts"), cell: (one) => (isOver(one.status) ? <span className="figures">{ended(one)}</span> : <Progress part={shareOf(progressOf(one))} label={t("replications.runOf", { id: one.id })} text={progressText(progressOf(one), t, language) || t("replications.lists")} />) },
    { id: "bytes", head: t("replications.column.moved"), width: "figure", phone: 0, cell: (one) => <Bytes value={one.done_bytes} /> },
    { id: "by", head: t("replications.column.trigger"), width: "fit", phone: 0, cell: (one) => { const key = BY[one.trigger]; return key ? t(key) : one.trigger; } },
    { id: "took", head: t("replications.column.took"), width: "figure", phone: 0, cell: (one) => <Took from={one.start_time} to={one.end_time} /> },
  ];
  const ended = (one: ReplicationExecution) => [t("replications.counts.done", { count: one.succeed }), ...(one.failed ? [t("replications.counts.failed", { count: one.failed })] : []), ...(one.stopped ? [t("replications.counts.stopped", { count: one.stopped })] : [])].join(" · ");
  return (
    <Page
      title={policy?.name ?? ""} isName crumbs={[{ label: t("replications.title"), to: "/admin/replications" }]} windowTitle={[policy?.name ?? "", t("replications.title")]} aside={policy && !policy.enabled ? <Chip>{t("replications.disabled")}</Chip> : undefined}
      actions={policy && <><Button variant="default" onClick={() => setEdits(true)}>{t("replications.edit.open")}</Button><Button onClick={() => run.mutate()} loading={run.isPending} disabled={!policy.enabled}>{t("replications.run")}</Button></>}
    >
      <div className="sections">
        {run.error && <ProblemBox error={run.error} />}
        {policy && (
          <div className="panel">
            <Facts
              rows={[
                [t("replications.column.where"), <Where key="w" policy={policy} />],
                [t("replications.column.trigger"), trigger(policy)],
                [t("replications.filters"), policy.filters?.length ? <Filters filters={policy.filters} /> : t("replications.everything")],
                [t("replications.field.namespace"), policy.dest_namespace ? <Name>{policy.dest_namespace}</Name> : null],
                [t("replications.description"), policy.description ? <bdi key="d">{policy.description}</bdi> : null],
              ]}
            />
          </div>
        )}
        <div className="stack">
          <Table
            id="replication-runs" caption={t("replications.runs")} isHeaded columns={columns} query={runs} list={list} rowKey={(one) => one.id} rowName={(one) => String(one.id)} empty={<Empty>{t("replications.noRuns")}</Empty>}
            tools={<Select aria-label={t("replications.column.state")} w={150} allowDeselect={false} value={list.filters["status"] ?? "all"} onChange={(value) => list.set({ filters: { status: value === "all" ? undefined : (value ?? undefined) } })} data={[{ value: "all", label: t("replications.anyState") }, ...STATES.map(([value, key]) => ({ value, label: t(key) }))]} />}
          />
        </div>
      </div>
      {edits && policy && <PolicyForm policy={policy} onClose={() => setEdits(false)} />}
    </Page>
  );
}

const BY: Record<string, Key> = { manual: "replications.by.manual", scheduled: "replications.by.scheduled", event_based: "replications.by.event" };

function Filters({ filters }: { filters: ReplicationFilter[] }) {
  return <span className="row">{filters.map((one) => <Chip key={`${one.type} ${String(one.value)}`}><span translate="no">{one.type} {one.decoration === "excludes" ? "≠" : "="} {Array.isArray(one.value) ? one.value.join(", ") : one.value}</span></Chip>)}</span>;
}

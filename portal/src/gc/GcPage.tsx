// How much can I get back, and how far is it?
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { call } from "../api/client.ts";
import type { GCHistory } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { dateTime, timeOf } from "../kit/format.ts";
import { LiveLog } from "../kit/LiveLog.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { plannedOf, useSaidCron } from "../kit/Schedule.tsx";
import { Bytes, Count, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { isOver, StateChip, useSaidWork, WorkBlock, Took } from "../kit/Work.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { CollectDialog, ScheduleDialog } from "./gcDialogs.tsx";
import { runQuery } from "../jobs/queries.ts";
import { stateOfRun } from "../jobs/queueLoad.ts";
import { StartedBy } from "../jobs/RunSubject.tsx";
import { factsOf, followed, gcChanged, runsQuery, scheduleQuery } from "./queries.ts";
import { ReclaimablePanel } from "./ReclaimablePanel.tsx";

export default function GcPage() {
  const t = useTranslate();
  const list = useListState();
  const runs = useQuery(runsQuery(list));
  const [asks, setAsks] = useState<"collect" | "schedule" | null>(null);
  const rows = runs.data?.data;
  const going = list.page === 1 ? rows?.find((one) => !isOver(one.job_status)) : undefined;
  const ended = useRef(false);
  useEffect(() => {
    if (ended.current && !going) void gcChanged();
    ended.current = going !== undefined;
  }, [going]);
  const dry = useMutation({ mutationFn: () => call("POST /system/gc/schedule", { body: { schedule: { type: "Manual" }, parameters: { dry_run: true, delete_untagged: true } } }), onSuccess: followed });
  const kind = (one: GCHistory) => (factsOf(one).dry_run ? t("gc.kind.dry") : one.job_kind === "SCHEDULE" ? t("gc.kind.schedule") : t("gc.kind.manual"));
  const newest = list.page === 1 ? rows?.[0] : undefined;
  useSaidWork(newest?.job_status, null, newest ? kind(newest) : "");
  const columns: Column<GCHistory>[] = [
    { id: "began", head: t("gc.column.began"), cell: (one) => <Time value={one.creation_time} /> },
    { id: "kind", head: t("gc.column.kind"), width: "fit", phone: 0, cell: kind },
    { id: "freed", head: t("gc.column.freed"), width: "figure", cell: (one) => <Freed run={one} /> },
    { id: "blobs", head: t("gc.column.blobs"), width: "figure", phone: 0, cell: (one) => <Count value={factsOf(one).purged_blobs} /> },
    { id: "artifacts", head: t("gc.column.artifacts"), width: "figure", optional: true, cell: (one) => <Count value={factsOf(one).purged_manifests} /> },
    { id: "took", head: t("gc.column.took"), width: "figure", phone: 0, cell: (one) => <Took from={one.creation_time} to={isOver(one.job_status) ? one.update_time : undefined} /> },
    { id: "state", head: t("gc.column.state"), width: "fit", phone: 1, cell: (one) => <StateChip status={one.job_status} /> },
  ];
  return (
    <Page
      title={t("gc.title")}
      actions={<><Button variant="default" onClick={() => dry.mutate()} loading={dry.isPending} disabled={going !== undefined}>{t("gc.dry")}</Button><Button onClick={() => setAsks("collect")} disabled={going !== undefined}>{t("gc.collect")}</Button></>}
    >
      <div className="sections">
        {dry.error && <ProblemBox error={dry.error} />}
        <ReclaimablePanel />
        {going && <Going run={going} />}
        <ScheduleLine onEdit={() => setAsks("schedule")} />
        <div className="stack">
          <Table
            id="gc-runs" caption={t("gc.history")} isHeaded columns={columns} query={runs} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => String(one.id)} details={(one) => <RunLog run={one} />}
            empty={<Empty>{t("gc.never")}</Empty>}
          />
        </div>
      </div>
      {asks === "collect" && <CollectDialog onClose={() => setAsks(null)} />}
      {asks === "schedule" && <ScheduleDialog onClose={() => setAsks(null)} />}
    </Page>
  );
}

/** The run that is going on, with its way to an end. */
function Going({ run }: { run: GCHistory }) {
  const t = useTranslate();
  const language = useLanguage();
  const task = useQuery(runQuery(run.id ?? 0)).data;
  const stop = useMutation({ mutationFn: () => call("PUT /system/gc/{gc_id}", { path: { gc_id: run.id ?? 0 } }), onSuccess: gcChanged });
  const began = timeOf(run.creation_time);
  const label = factsOf(run).dry_run ? t("gc.kind.dry") : t("gc.title");
  return (
    <div className="stack">
      <WorkBlock label={label} status={task && !isOver(task.status) ? stateOfRun(task) : run.job_status} stopping={task?.stopping ?? false} progress={task?.progress} aside={began ? t("gc.begun", { time: dateTime(began, language) }) : null} by={task && <StartedBy run={task} />} onStop={() => stop.mutate()} stopBusy={stop.isPending} />
      <p className="small muted">{t("gc.goesOn")}</p>
      {stop.error && <ProblemBox error={stop.error} />}
    </div>
  );
}

/** Of a dry run in brackets: it could be freed. */
function Freed({ run }: { run: GCHistory }) {
  const facts = factsOf(run);
  if (facts.freed_space === undefined) return <span className="muted">–</span>;
  return facts.dry_run ? <span className="muted">(<Bytes value={facts.freed_space} />)</span> : <Bytes value={facts.freed_space} />;
}

function RunLog({ run }: { run: GCHistory }) {
  const t = useTranslate();
  const id = run.id ?? 0;
  return <LiveLog label={t("gc.logOf", { id })} queryKey={["gc", "run", id]} read={async (signal) => (await call("GET /system/gc/{gc_id}/log", { path: { gc_id: id }, signal, quiet: true })).data} grows={!isOver(run.job_status)} />;
}

function ScheduleLine({ onEdit }: { onEdit: () => void }) {
  const t = useTranslate();
  const said = useSaidCron();
  const query = useQuery(scheduleQuery);
  const found = query.data;
  if (query.error && query.data === undefined) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  if (!found) return <Waiting />;
  const planned = plannedOf(found.schedule?.type, found.schedule?.cron);
  const facts = factsOf(found);
  return (
    <section className="stack" aria-label={t("gc.schedule.title")}>
      <h2>{t("gc.schedule.title")}</h2>
      <div className="panel row">
        <span>{planned.kind === "None" ? t("gc.schedule.none") : said(found.schedule?.cron || "")}</span>
        {planned.kind !== "None" && <span className="muted">· {facts.delete_untagged ? t("gc.schedule.untagged") : t("gc.schedule.keeps")}</span>}
        {found.schedule?.next_scheduled_time && <span className="muted">· {t("gc.schedule.next")} <Time value={found.schedule.next_scheduled_time} /></span>}
        <span className="grow" />
        <Button size="xs" variant="default" onClick={onEdit}>{t("gc.schedule.edit")}</Button>
      </div>
    </section>
  );
}

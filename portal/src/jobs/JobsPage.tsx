// Is work stuck? Queues, the processes that take from them, and what runs now.
import { Button, Menu } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { JobQueue, WorkerPool } from "../api/schema.ts";
import { WHOLE } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { Empty } from "../kit/Empty.tsx";
import { duration } from "../kit/format.ts";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Count, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { StateChip } from "../kit/Work.tsx";
import { useKind } from "./kinds.ts";
import { jobsChanged, poolsQuery, queuesQuery, runningQuery } from "./queries.ts";
import { QueueChart } from "./QueueChart.tsx";
import { Tasks } from "./Tasks.tsx";

export default function JobsPage() {
  const t = useTranslate();
  const queues = useQuery(queuesQuery);
  const running = useQuery(runningQuery);
  const act = useMutation({ mutationFn: ({ queue, action }: { queue: string; action: "pause" | "resume" }) => call("PUT /jobservice/queues/{job_type}", { path: { job_type: queue }, body: { action } }), onSuccess: jobsChanged });
  const [ends, setEnds] = useState<JobQueue | null>(null);
  const rows = queues.data?.data ?? [];
  const waiting = rows.reduce((sum, one) => sum + one.count, 0);
  const paused = rows.filter((one) => one.paused).length;
  const said = [t("jobs.summary.waiting", { count: waiting }), t("jobs.summary.running", { count: running.data?.total ?? 0 }), ...(paused ? [t("jobs.summary.paused", { count: paused })] : [])].join(" · ");
  return (
    <Page
      title={t("jobs.title")} under={<p className="muted figures">{said}</p>}
      actions={
        <>
          {paused > 0 && <Button variant="default" onClick={() => act.mutate({ queue: "all", action: "resume" })} loading={act.isPending}>{t("jobs.resumeAll")}</Button>}
          {paused < rows.length && <Button variant="default" onClick={() => act.mutate({ queue: "all", action: "pause" })} loading={act.isPending}>{t("jobs.pauseAll")}</Button>}
        </>
      }
    >
      <div className="sections">
        {act.error && <ProblemBox error={act.error} />}
        <QueueChart queues={rows} running={running.data?.data ?? []} />
        <Queues query={queues} onAct={(queue, action) => act.mutate({ queue, action })} onEnd={setEnds} />
        <Tasks id="running" caption={t("jobs.running")} isHeaded query={running} list={WHOLE} whole empty={<Empty>{t("jobs.idle")}</Empty>} />
        <Workers />
      </div>
      {ends && <EndWaiting queue={ends} onClose={() => setEnds(null)} />}
    </Page>
  );
}

function Queues({ query, onAct, onEnd }: { query: ReturnType<typeof useQuery<{ data: JobQueue[]; total: number }>>; onAct: (queue: string, action: "pause" | "resume") => void; onEnd: (queue: JobQueue) => void }) {
  const t = useTranslate();
  const language = useLanguage();
  const kind = useKind();
  const columns: Column<JobQueue>[] = [
    { id: "kind", head: t("jobs.column.kind"), cell: (one) => kind(one.job_type) },
    { id: "waiting", head: t("jobs.column.waiting"), width: "figure", cell: (one) => <Count value={one.count} /> },
    { id: "oldest", head: t("jobs.column.oldest"), width: "figure", cell: (one) => (one.count > 0 ? <span className="figures">{duration(one.latency, language)}</span> : <span className="muted">–</span>) },
    { id: "state", head: t("jobs.column.state"), width: "fit", phone: 1, cell: (one) => (one.paused ? <StateChip status="Paused" /> : <span className="muted">{t("jobs.takes")}</span>) },
  ];
  return (
    <Table
      id="queues" caption={t("jobs.queues")} isHeaded columns={columns} query={query} list={WHOLE} whole rowKey={(one) => one.job_type} rowName={(one) => kind(one.job_type)} empty={<Empty>{t("jobs.idle")}</Empty>}
      menu={(one) => (
        <>
          <Menu.Item onClick={() => onAct(one.job_type, one.paused ? "resume" : "pause")}>{one.paused ? t("jobs.resume") : t("jobs.pause")}</Menu.Item>
          {one.count > 0 && <><Menu.Divider /><Menu.Item className="danger" onClick={() => onEnd(one)}>{t("jobs.end.open", { count: one.count })}</Menu.Item></>}
        </>
      )}
    />
  );
}

function Workers() {
  const t = useTranslate();
  const query = useQuery(poolsQuery);
  const columns: Column<WorkerPool>[] = [
    { id: "where", head: t("jobs.column.process"), cell: (one) => <span translate="no">{one.host} · {one.pid}</span> },
    { id: "slots", head: t("jobs.column.slots"), width: "figure", cell: (one) => <Count value={one.concurrency} /> },
    { id: "since", head: t("jobs.column.since"), width: "fit", phone: 0, cell: (one) => <Time value={one.start_at} /> },
    { id: "seen", head: t("jobs.column.seen"), width: "fit", phone: 1, cell: (one) => <Time value={one.heartbeat_at} /> },
  ];
  return <Table id="workers" caption={t("jobs.workers")} isHeaded columns={columns} query={query} list={WHOLE} whole rowKey={(one) => one.worker_pool_id} rowName={(one) => one.worker_pool_id} empty={<Empty>{t("jobs.noWorkers")}</Empty>} />;
}

/** Before waiting work is given up: how much of it there is. */
function EndWaiting({ queue, onClose }: { queue: JobQueue; onClose: () => void }) {
  const t = useTranslate();
  const kind = useKind();
  const end = useMutation({ mutationFn: () => call("PUT /jobservice/queues/{job_type}", { path: { job_type: queue.job_type }, body: { action: "stop" } }), onSuccess: async () => { await jobsChanged(); onClose(); } });
  return (
    <Dialog title={t("jobs.end.title", { count: queue.count, kind: kind(queue.job_type) })} opened onClose={onClose}>
      <DialogForm submit={t("jobs.end.submit", { count: queue.count })} onSubmit={() => end.mutate()} onCancel={onClose} busy={end.isPending} error={end.error} danger>
        <p>{t("jobs.end.what")}</p>
      </DialogForm>
    </Dialog>
  );
}

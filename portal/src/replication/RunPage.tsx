// Which artifacts of this run have arrived, and why not the others?
import { Button } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { call } from "../api/client.ts";
import type { ReplicationTask } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { Failed } from "../app/guards.tsx";
import { runQuery as workQuery } from "../jobs/queries.ts";
import { StartedBy } from "../jobs/RunSubject.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { dateTime, number, percent, timeOf } from "../kit/format.ts";
import { LiveLog } from "../kit/LiveLog.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Progress } from "../kit/Progress.tsx";
import { Bytes, Count, Name } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { isOver, progressText, shareOf, StateChip, WorkBlock } from "../kit/Work.tsx";
import { policyQuery, progressOf, replicationsChanged, runPath, runQuery, start, tasksQuery } from "./queries.ts";
import { Where } from "./ReplicationsPage.tsx";
import { countsOf, type States } from "./states.ts";

export default function RunPage() {
  const t = useTranslate();
  const language = useLanguage();
  const navigate = useNavigate();
  const params = useParams({ strict: false }) as { policy: string; run: string };
  const [policy, id] = [Number(params.policy), Number(params.run)];
  const list = useListState();
  const query = useQuery(runQuery(id));
  const run = query.data;
  const runs = run !== undefined && !isOver(run.status);
  const tasks = useQuery(tasksQuery(id, list, runs));
  const found = useQuery(policyQuery(policy)).data;
  const name = found?.name ?? "";
  const work = useQuery(workQuery(id)).data;
  const [asked, setAsked] = useState(false);
  const stop = useMutation({ mutationFn: () => call("PUT /replication/executions/{id}", { path: { id } }), onSuccess: async () => { setAsked(true); await replicationsChanged(); } });
  const again = useMutation({ mutationFn: () => start(policy), onSuccess: (made) => navigate({ to: runPath(policy, made) }) });
  const ran = useRef(false);
  useEffect(() => {
    if (ran.current && !runs) void replicationsChanged(); // the last artifacts ended after the last look
    ran.current = runs;
  }, [runs]);
  if (query.error && !run) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const began = timeOf(run?.start_time);
  const label = t("replications.runOf", { id });
  const share = run && runs ? shareOf(progressOf(run)) : null; // in the title of the window, for who looks elsewhere meanwhile
  const counts = run && [t("replications.counts.done", { count: run.succeed }), ...(run.failed ? [t("replications.counts.failed", { count: run.failed })] : []), ...(run.in_progress ? [t("replications.counts.going", { count: run.in_progress })] : []), ...(run.stopped ? [t("replications.counts.stopped", { count: run.stopped })] : [])].join(" · ");
  const columns: Column<ReplicationTask>[] = [
    { id: "artifact", head: t("replications.column.artifact"), cell: (one) => <Name>{one.src_resource}</Name> },
    { id: "state", head: t("replications.column.state"), width: "fit", phone: 1, cell: (one) => <StateChip status={!isOver(one.status) && one.attempts > 1 ? "retrying" : one.status} {...(one.message ? { title: one.message } : {})} /> },
    { id: "moved", head: t("replications.column.moved"), width: "fit", cell: (one) => (one.status === "InProgress" ? <Progress part={shareOf(far(one))} label={one.src_resource} text={progressText(far(one), t, language) || t("work.running")} /> : <Bytes value={one.done_bytes} />) },
    { id: "detail", head: t("replications.column.detail"), cell: (one) => (one.message ? <bdi lang="en">{one.message}</bdi> : one.operation === "deletion" ? t("replications.deletion") : <span className="muted">{one.dst_resource}</span>) },
    { id: "attempts", head: t("replications.column.attempts"), width: "figure", phone: 0, optional: true, cell: (one) => <Count value={one.attempts} /> },
  ];
  return (
    <Page
      title={label} crumbs={[{ label: t("replications.title"), to: "/admin/replications" }, { label: name, to: `/admin/replications/${policy}` }]} windowTitle={[...(share === null ? [] : [percent(share, language)]), label, name, t("replications.title")]}
      under={found && <Where policy={found} />}
      actions={run && !runs ? <Button onClick={() => again.mutate()} loading={again.isPending}>{t("replications.again")}</Button> : undefined}
    >
      <div className="sections">
        {run && (
          <div className="stack">
            <WorkBlock label={counts ?? ""} status={run.status} stopping={asked || (work?.stopping ?? false)} progress={progressOf(run)} aside={began ? t("replications.begun", { time: dateTime(began, language) }) : null} by={work && <StartedBy run={work} />} phases={runs ? <Phases lists={run.total === 0} /> : undefined} onStop={() => stop.mutate()} stopBusy={stop.isPending} />
            {run.status_text && <p><bdi lang="en">{run.status_text}</bdi></p>}
          </div>
        )}
        {(stop.error ?? again.error) && <ProblemBox error={stop.error ?? again.error} />}
        <Table
          id="replication-tasks" caption={t("replications.artifactsOf", { id })} columns={columns} query={tasks} list={list} rowKey={(one) => one.id} rowName={(one) => one.src_resource} empty={<Empty>{runs ? t("replications.lists") : t("replications.noArtifacts")}</Empty>}
          tools={run && <Choice counts={countsOf(run, work?.running ?? 0)} chosen={list.filters["status"] ?? ""} onChoose={(status) => list.set({ filters: { status: status || undefined } })} />}
          details={(one) => (
            <div className="stack">
              <Facts rows={[[t("replications.column.from"), <Name key="f">{one.src_resource}</Name>], [t("replications.column.to"), <Name key="t">{one.dst_resource}</Name>], [t("replications.column.attempts"), <Count key="a" value={one.attempts} />]]} />
              <LiveLog label={t("replications.logOf", { name: one.src_resource })} queryKey={["replications", "run", id, "task", one.id]} read={async (signal) => (await call("GET /replication/executions/{id}/tasks/{task_id}/log", { path: { id, task_id: one.id }, signal, quiet: true })).data} grows={!isOver(one.status)} />
            </div>
          )}
        />
      </div>
    </Page>
  );
}

const far = (one: ReplicationTask) => ({ done: 0, total: 0, done_bytes: one.done_bytes, total_bytes: one.total_bytes, rate: one.rate, seconds_left: one.seconds_left ?? -1 });

/** Artifacts are looked for, and then copied. */
function Phases({ lists }: { lists: boolean }) {
  const t = useTranslate();
  return (
    <p className="row small">
      <span className={lists ? "strong" : "muted"}>{t("replications.phase.list")}{!lists && <IconCheck size={14} stroke={1.5} role="img" aria-label={t("work.done")} />}</span>
      <span className={lists ? "muted" : "strong"}>{t("replications.phase.copy")}</span>
    </p>
  );
}

/** The states that there are, with how many artifacts have each; one can be chosen. */
function Choice({ counts, chosen, onChoose }: { counts: States; chosen: string; onChoose: (status: string) => void }) {
  const t = useTranslate();
  const language = useLanguage();
  const words: [string, string, number][] = [["", t("replications.all"), counts.all], ["Failed", t("work.failed"), counts.failed], ["InProgress", t("work.running"), counts.running], ["Pending", t("work.waiting"), counts.waiting], ["Succeed", t("work.done"), counts.done], ["Stopped", t("work.stopped"), counts.stopped]];
  return (
    <div className="row" role="group" aria-label={t("replications.column.state")}>
      {words.filter(([status, , count]) => status === "" || count > 0 || status === chosen).map(([status, word, count]) => <Button key={status} size="xs" variant={status === chosen ? "light" : "default"} aria-pressed={status === chosen} onClick={() => onChoose(status)}>{word}{"\u00a0"}<span className="figures">{number(count, language)}</span></Button>)}
    </div>
  );
}

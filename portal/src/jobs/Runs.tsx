// Runs as a table: what each is of, how far, who began it; its tasks or its log below, Stop in its menu.
import { Button, Menu } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { call } from "../api/client.ts";
import type { WorkRun } from "../api/schema.ts";
import { WHOLE, type ListState } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { LiveLog } from "../kit/LiveLog.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Progress } from "../kit/Progress.tsx";
import { Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table, type Listed } from "../kit/Table.tsx";
import { isOver, progressText, shareOf, StateChip, Took } from "../kit/Work.tsx";
import { useKind } from "./kinds.ts";
import { stateOfRun } from "./queueLoad.ts";
import { jobsChanged, stopRun, tasksQuery } from "./queries.ts";
import { Tasks } from "./Tasks.tsx";
import { Kind, StartedBy, SubjectOf } from "./RunSubject.tsx";

/** `isControlled`: for who may stop any of them and read their logs; others go to the page of what a run is of. */
export function Runs({ id, caption, query, list, tools, empty, isControlled = true }: { id: string; caption: string; query: Listed<WorkRun>; list: ListState; tools?: ReactNode; empty: ReactNode; isControlled?: boolean }) {
  const t = useTranslate();
  const kind = useKind();
  const stop = useMutation({ mutationFn: (run: WorkRun) => stopRun(run.id), onSuccess: jobsChanged });
  const columns: Column<WorkRun>[] = [
    { id: "kind", head: t("jobs.column.kind"), width: "fit", cell: (one) => <span className="row"><Kind of={one} run />{one.dry_run && <Chip>{t("gc.kind.dry")}</Chip>}</span> },
    { id: "state", head: t("jobs.column.state"), width: "fit", phone: 1, cell: (one) => <StateChip status={stateOfRun(one)} /> },
    { id: "of", head: t("jobs.column.of"), cell: (one) => <SubjectOf of={one} /> },
    { id: "progress", head: t("jobs.column.progress"), cell: (one) => <Far run={one} /> },
    { id: "by", head: t("jobs.column.by"), width: "fit", cell: (one) => <StartedBy run={one} /> },
    { id: "began", head: t("jobs.column.began"), width: "fit", cell: (one) => <Time value={one.start_time} /> },
    { id: "took", head: t("jobs.column.took"), width: "figure", phone: 0, cell: (one) => <Took from={one.start_time} to={one.end_time} /> },
    { id: "id", head: t("jobs.column.run"), width: "figure", phone: 0, optional: true, cell: (one) => <span className="figures">{one.id}</span> },
  ];
  return (
    <>
      {stop.error && <ProblemBox error={stop.error} />}
      <Table
        id={id} caption={caption} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => `${kind(one.vendor_type)} ${one.id}`} empty={empty}
        {...(tools ? { tools } : {})}
        {...(isControlled ? {
          details: (one: WorkRun) => <Details run={one} />,
          menu: (one: WorkRun) => (!isOver(one.status) && !one.stopping ? <Menu.Item className="danger" onClick={() => stop.mutate(one)}>{t("jobs.stopRun")}</Menu.Item> : null),
        } : {})}
      />
    </>
  );
}

/** How far a run is while it goes on; what it said at its end. */
function Far({ run }: { run: WorkRun }) {
  const t = useTranslate();
  const language = useLanguage();
  const kind = useKind();
  if (isOver(run.status)) {
    if (run.message) return <bdi lang="en" className={run.status === "Error" ? undefined : "muted"}>{run.message}</bdi>;
    return <span className="muted figures">{run.tasks > 1 ? progressText(run.progress, t, language) : "–"}</span>;
  }
  if (run.stopping) return <>{t("work.stopping")}</>;
  if (stateOfRun(run) === "Pending") return <span className="muted">{run.message || t("work.begins")}</span>;
  return <Progress part={shareOf(run.progress)} label={kind(run.vendor_type)} text={progressText(run.progress, t, language) || t("work.running")} />;
}

/** The log of a run's only task; of several, each with its own. */
function Details({ run }: { run: WorkRun }) {
  const t = useTranslate();
  const goes = !isOver(run.status);
  if (run.task_id === null) return <TasksOf run={run} goes={goes} />;
  const id = String(run.task_id);
  return <LiveLog label={t("jobs.logOf", { id })} queryKey={["jobs", "task", run.task_id]} read={async (signal) => (await call("GET /jobservice/jobs/{job_id}/log", { path: { job_id: id }, signal, quiet: true })).data} grows={goes} />;
}

function TasksOf({ run, goes }: { run: WorkRun; goes: boolean }) {
  const t = useTranslate();
  const [page, setPage] = useState(1);
  const query = useQuery(tasksQuery(run.id, page, goes));
  const pages = Math.max(1, Math.ceil((query.data?.total ?? 0) / 25));
  return (
    <div className="stack">
      <Tasks id="tasks-of-run" caption={t("jobs.tasksOf", { id: run.id })} query={query} list={WHOLE} whole empty={<Empty>{t("jobs.noTasks")}</Empty>} />
      {pages > 1 && (
        <div className="row">
          <Button size="xs" variant="default" disabled={page <= 1} onClick={() => setPage(page - 1)}>{t("kit.table.previous")}</Button>
          <Button size="xs" variant="default" disabled={page >= pages} onClick={() => setPage(page + 1)}>{t("kit.table.next")}</Button>
        </div>
      )}
    </div>
  );
}

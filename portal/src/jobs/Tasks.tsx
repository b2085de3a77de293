// Tasks as a table: what each is, how far, since when; its log below, Stop in its menu.
import { Menu } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { call } from "../api/client.ts";
import type { TaskOut } from "../api/schema.ts";
import type { ListState } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Facts } from "../kit/Facts.tsx";
import { timeOf } from "../kit/format.ts";
import { LiveLog } from "../kit/LiveLog.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Progress } from "../kit/Progress.tsx";
import { Bytes, Count, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table, type Listed } from "../kit/Table.tsx";
import { isOver, progressText, shareOf, StateChip, Took } from "../kit/Work.tsx";
import { useKind } from "./kinds.ts";
import { jobsChanged } from "./queries.ts";

export function Tasks({ id, caption, isHeaded = false, query, list, whole, tools, empty }: { id: string; caption: string; isHeaded?: boolean; query: Listed<TaskOut>; list: ListState; whole?: boolean; tools?: ReactNode; empty: ReactNode }) {
  const t = useTranslate();
  const kind = useKind();
  const stop = useMutation({ mutationFn: (task: TaskOut) => call("PUT /jobservice/jobs/{job_id}", { path: { job_id: String(task.id) } }), onSuccess: jobsChanged });
  const columns: Column<TaskOut>[] = [
    { id: "kind", head: t("jobs.column.kind"), cell: (one) => kind(one.vendor_type) },
    { id: "state", head: t("jobs.column.state"), width: "fit", phone: 1, cell: (one) => <StateChip status={one.status} {...(one.message ? { title: one.message } : {})} /> },
    { id: "progress", head: t("jobs.column.progress"), cell: (one) => <Far task={one} /> },
    { id: "began", head: t("jobs.column.began"), width: "fit", cell: (one) => <Time value={timeOf(one.start_time) ? one.start_time : one.creation_time} /> },
    { id: "took", head: t("jobs.column.took"), width: "figure", phone: 0, cell: (one) => <Took from={one.start_time} to={one.end_time} /> },
    { id: "attempt", head: t("jobs.column.attempt"), width: "figure", phone: 0, optional: true, cell: (one) => <Count value={one.attempt} /> },
    { id: "id", head: t("jobs.column.id"), width: "figure", phone: 0, optional: true, cell: (one) => <span className="figures">{one.id}</span> },
  ];
  return (
    <>
      {stop.error && <ProblemBox error={stop.error} />}
      <Table
        id={id} caption={caption} isHeaded={isHeaded} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => `${kind(one.vendor_type)} ${one.id}`} details={(one) => <TaskDetails task={one} />} empty={empty}
        {...(whole ? { whole } : {})} {...(tools ? { tools } : {})}
        menu={(one) => (one.status === "Running" && !one.stopping ? <Menu.Item className="danger" onClick={() => stop.mutate(one)}>{t("jobs.stop")}</Menu.Item> : null)}
      />
    </>
  );
}

/** How far a task is while it goes on; what it said at its end. */
function Far({ task }: { task: TaskOut }) {
  const t = useTranslate();
  const language = useLanguage();
  const kind = useKind();
  if (isOver(task.status)) return <span className={task.status === "Error" ? undefined : "muted"}>{task.message || "–"}</span>;
  if (task.stopping) return <>{t("work.stopping")}</>;
  if (task.status !== "Running") return <span className="muted">{task.message || t("work.begins")}</span>;
  return <Progress part={shareOf(task.progress)} label={kind(task.vendor_type)} text={progressText(task.progress, t, language)} />;
}

function TaskDetails({ task }: { task: TaskOut }) {
  const t = useTranslate();
  return (
    <div className="stack">
      <Facts
        rows={[
          [t("jobs.column.id"), String(task.id)],
          [t("jobs.column.job"), <code key="j" translate="no">{task.job}</code>],
          [t("jobs.column.attempt"), <Count key="a" value={task.attempt} />],
          [t("jobs.failures"), task.failures > 0 ? <Count value={task.failures} /> : null],
          [t("jobs.lost"), task.lost > 0 ? <Count value={task.lost} /> : null],
          [t("jobs.message"), task.message],
          [t("jobs.moved"), task.progress.done_bytes > 0 ? <Bytes value={task.progress.done_bytes} /> : null],
        ]}
      />
      <LiveLog label={t("jobs.logOf", { id: task.id })} queryKey={["jobs", "task", task.id]} read={async (signal) => (await call("GET /jobservice/jobs/{job_id}/log", { path: { job_id: String(task.id) }, signal, quiet: true })).data} grows={!isOver(task.status)} />
    </div>
  );
}

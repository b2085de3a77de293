// What runs by itself, and when next?
import { Button } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { PlannedWork } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { useKind } from "./kinds.ts";
import { Kind, SubjectOf } from "./RunSubject.tsx";
import { Chip } from "../kit/Chip.tsx";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { useSaidCron } from "../kit/Schedule.tsx";
import { Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { StateChip } from "../kit/Work.tsx";

export default function SchedulesPage() {
  const t = useTranslate();
  const kind = useKind();
  const said = useSaidCron();
  const list = useListState();
  const [asks, setAsks] = useState(false);
  const query = useQuery({
    queryKey: ["schedules", list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /jobservice/schedules", { query: { page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });
  const held = useQuery({ queryKey: ["schedules", "paused"], queryFn: async ({ signal }) => (await call("GET /schedules/{job_type}/paused", { path: { job_type: "all" }, signal })).data.paused });
  const hold = useMutation({
    mutationFn: (action: "pause" | "resume") => call("PUT /jobservice/queues/{job_type}", { path: { job_type: "SCHEDULER" }, body: { action } }),
    onSuccess: async () => { await queries.invalidateQueries({ queryKey: ["schedules"] }); setAsks(false); },
  });
  const next = (one: PlannedWork) => {
    if (held.data) return <span className="muted">{t("schedules.held")}</span>;
    return one.next_time ? <Time value={one.next_time} /> : <span className="muted">–</span>;
  };
  const columns: Column<PlannedWork>[] = [
    { id: "kind", head: t("schedules.column.what"), width: "fit", cell: (one) => <Kind of={one} /> },
    { id: "of", head: t("jobs.column.of"), cell: (one) => <SubjectOf of={one} /> },
    { id: "when", head: t("schedules.column.when"), cell: (one) => said(one.cron) },
    { id: "next", head: t("schedules.column.next"), width: "fit", cell: next },
    { id: "last", head: t("schedules.column.last"), width: "fit", phone: 1, cell: (one) => (one.last_id === null ? <span className="muted">{t("schedules.never")}</span> : <span className="row"><StateChip status={one.last_status} /><span className="muted small"><Time value={one.last_time} /></span></span>) },
    { id: "cron", head: t("schedules.column.cron"), width: "fit", optional: true, cell: (one) => <code translate="no">{one.cron}</code> },
    { id: "changed", head: t("schedules.column.changed"), width: "fit", phone: 0, optional: true, cell: (one) => <Time value={one.update_time} /> },
  ];
  return (
    <Page
      title={t("schedules.title")} aside={held.data ? <Chip tone="warn">{t("schedules.pausedAll")}</Chip> : undefined}
      actions={held.data === undefined ? undefined : held.data ? <Button onClick={() => hold.mutate("resume")} loading={hold.isPending}>{t("schedules.resume")}</Button> : <Button variant="default" onClick={() => setAsks(true)}>{t("schedules.pause")}</Button>}
    >
      {hold.error && !asks && <ProblemBox error={hold.error} />}
      <Table id="schedules" caption={t("schedules.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => [kind(one.vendor_type), one.subject, one.project].filter(Boolean).join(" ")} empty={<Empty>{t("schedules.empty")}</Empty>} />
      {asks && (
        <Dialog title={t("schedules.ask.title")} opened onClose={() => setAsks(false)}>
          <DialogForm submit={t("schedules.ask.submit")} onSubmit={() => hold.mutate("pause")} onCancel={() => setAsks(false)} busy={hold.isPending} error={hold.error}>
            <p>{t("schedules.ask.what", { count: query.data?.total ?? 0 })}</p>
          </DialogForm>
        </Dialog>
      )}
    </Page>
  );
}

// How long is the audit log kept, and what went when?
import { Button } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { ExecHistory } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { runQuery } from "../jobs/queries.ts";
import { stateOfRun } from "../jobs/queueLoad.ts";
import { StartedBy } from "../jobs/RunSubject.tsx";
import { watched } from "../kit/polling.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { Empty } from "../kit/Empty.tsx";
import { CheckField, NumberField } from "../kit/Field.tsx";
import { daySign } from "../kit/format.ts";
import { LiveLog } from "../kit/LiveLog.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { ScheduleField, plannedOf, scheduleOf, useSaidCron, type Planned } from "../kit/Schedule.tsx";
import { Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { isOver, StateChip, WorkBlock } from "../kit/Work.tsx";
import { EVENTS, keptOf, parametersOf, type Kept } from "./purge.ts";

const changed = () => queries.invalidateQueries({ queryKey: ["audit", "purge"] });

export default function PurgePage() {
  const t = useTranslate();
  const said = useSaidCron();
  const list = useListState();
  const [asks, setAsks] = useState<"now" | "schedule" | null>(null);
  const schedule = useQuery({ queryKey: ["audit", "purge", "schedule"], queryFn: async ({ signal }) => (await call("GET /system/purgeaudit/schedule", { signal })).data });
  const runs = useQuery({
    queryKey: ["audit", "purge", "runs", list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /system/purgeaudit", { query: { page: list.page, page_size: list.size }, signal, quiet: true });
      return { data, total };
    },
    ...watched<{ data: ExecHistory[] }>((found) => found?.data.some((one) => !isOver(one.job_status)) ?? false),
  });
  const planned = plannedOf(schedule.data?.schedule?.type, schedule.data?.schedule?.cron);
  const going = list.page === 1 ? runs.data?.data.find((one) => !isOver(one.job_status)) : undefined;
  const columns: Column<ExecHistory>[] = [
    { id: "began", head: t("audit.purge.began"), cell: (one) => <Time value={one.creation_time} /> },
    { id: "kind", head: t("audit.purge.kind"), width: "fit", cell: (one) => (keptOf(one).dry ? t("audit.purge.dryKind") : one.job_kind === "SCHEDULE" ? t("audit.purge.bySchedule") : t("audit.purge.byHand")) },
    { id: "what", head: t("audit.column.what"), cell: (one) => t("audit.purge.of", { count: Number(keptOf(one).days) }) },
    { id: "state", head: t("audit.purge.state"), width: "fit", phone: 1, cell: (one) => <StateChip status={one.job_status} /> },
  ];
  return (
    <Page title={t("audit.purge.title")} crumbs={[{ label: t("audit.title"), to: "/admin/audit" }]} actions={<Button onClick={() => setAsks("now")}>{t("audit.purge.now")}</Button>}>
      <div className="sections">
        {schedule.error && <ProblemBox error={schedule.error} onRetry={() => void schedule.refetch()} />}
        {schedule.data && (
          <div className="panel row">
            <span>{planned.kind === "None" ? t("audit.purge.never") : said(schedule.data.schedule?.cron ?? "")}</span>
            {planned.kind !== "None" && <span className="muted">· {t("audit.purge.of", { count: Number(keptOf(schedule.data).days) })}</span>}
            <span className="grow" />
            <Button size="xs" variant="default" onClick={() => setAsks("schedule")}>{t("audit.purge.edit")}</Button>
          </div>
        )}
        {going && <Going run={going} />}
        <div className="stack">
          <Table
            id="purges" caption={t("audit.purge.history")} isHeaded columns={columns} query={runs} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => String(one.id)} empty={<Empty>{t("audit.purge.none")}</Empty>}
            details={(one) => <LiveLog label={t("audit.purge.logOf", { id: one.id ?? 0 })} queryKey={["audit", "purge", "run", one.id]} read={async (signal) => (await call("GET /system/purgeaudit/{purge_id}/log", { path: { purge_id: one.id ?? 0 }, signal, quiet: true })).data} grows={!isOver(one.job_status)} />}
          />
        </div>
      </div>
      {asks && schedule.data && <KeptDialog now={asks === "now"} schedule={schedule.data} onClose={() => setAsks(null)} />}
    </Page>
  );
}

/** The purge that waits or goes on, and its end by hand; what is gone by then is gone. */
function Going({ run }: { run: ExecHistory }) {
  const t = useTranslate();
  const task = useQuery(runQuery(run.id ?? 0)).data;
  const stop = useMutation({ mutationFn: () => call("PUT /system/purgeaudit/{purge_id}", { path: { purge_id: run.id ?? 0 } }), onSettled: changed });
  return (
    <div className="stack">
      <WorkBlock label={keptOf(run).dry ? t("audit.purge.dryKind") : t("audit.purge.submit")} status={task ? stateOfRun(task) : run.job_status} stopping={task?.stopping ?? false} progress={task?.progress} by={task && <StartedBy run={task} />} aside={t("audit.purge.of", { count: Number(keptOf(run).days) })} onStop={() => stop.mutate()} stopBusy={stop.isPending} />
      {stop.error && <ProblemBox error={stop.error} />}
    </div>
  );
}

/** Once now, or at times. */
function KeptDialog({ now, schedule, onClose }: { now: boolean; schedule: ExecHistory; onClose: () => void }) {
  const t = useTranslate();
  const language = useLanguage();
  const [planned, setPlanned] = useState<Planned>(plannedOf(schedule.schedule?.type, schedule.schedule?.cron));
  const [one, setOne] = useState<Kept>({ ...keptOf(schedule), dry: false });
  const [wrong, setWrong] = useState(false);
  const send = useMutation({
    mutationFn: () => (now ? call("POST /system/purgeaudit/schedule", { body: { schedule: { type: "Manual" }, parameters: parametersOf(one) } }) : call("PUT /system/purgeaudit/schedule", { body: { schedule: scheduleOf(planned), parameters: parametersOf(one) } })),
    onSuccess: async () => { await changed(); onClose(); },
  });
  return (
    <Dialog title={now ? t("audit.purge.submit") : t("audit.purge.scheduleTitle")} opened onClose={onClose}>
      <DialogForm submit={now ? t("audit.purge.submit") : t("audit.purge.save")} onSubmit={() => (one.events.length ? send.mutate() : setWrong(true))} onCancel={onClose} busy={send.isPending} error={send.error} danger={now}>
        {!now && <ScheduleField label={t("audit.purge.when")} value={planned} onChange={setPlanned} />}
        <NumberField label={t("audit.purge.days")} description={t("audit.purge.daysHint")} value={one.days} min={1} max={10_000} suffix={daySign(language)} onChange={(days) => setOne({ ...one, days: String(days) })} />
        <fieldset className="stack plain">
          <legend>{t("audit.purge.kinds")}</legend>
          {EVENTS.map((event) => <CheckField key={event} label={t(`audit.purge.event.${event}`)} checked={one.events.includes(event)} onChange={(change) => { setWrong(false); setOne({ ...one, events: EVENTS.filter((each) => (each === event ? change.currentTarget.checked : one.events.includes(each))) }); }} />)}
          {wrong && <p className="wrong" role="alert">{t("audit.purge.kindsMissing")}</p>}
        </fieldset>
        {now && <CheckField label={t("audit.purge.dry")} checked={one.dry} onChange={(event) => setOne({ ...one, dry: event.currentTarget.checked })} />}
        {now && !one.dry && <p>{t("audit.purge.what")}</p>}
      </DialogForm>
    </Dialog>
  );
}

// What works now and what ended last, beside the page: how far each is, Stop, and the way to its page.
import { Button, Drawer } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { call } from "../api/client.ts";
import type { TaskOut } from "../api/schema.ts";
import { useLanguage, useWords } from "../app/words.ts";
import { timeOf } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Progress } from "../kit/Progress.tsx";
import { Time } from "../kit/show.tsx";
import { progressText, shareOf, StateChip } from "../kit/Work.tsx";
import classes from "./jobs.module.css";
import { useKind } from "./kinds.ts";
import { endedQuery, jobsChanged, runningQuery } from "./queries.ts";

/** Where a kind of work is looked at. */
const PAGES: Record<string, string> = { GARBAGE_COLLECTION: "/admin/gc", REPLICATION: "/admin/replications", PURGE_AUDIT_LOG: "/admin/audit/purge" };

export default function RunningDrawer({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const running = useQuery(runningQuery);
  const ended = useQuery(endedQuery);
  const here = useRouterState({ select: (state) => state.location.pathname });
  const opened = useRef(here);
  useEffect(() => {
    if (here !== opened.current) onClose();
  }, [here, onClose]);
  const stop = useMutation({ mutationFn: (task: TaskOut) => call("PUT /jobservice/jobs/{job_id}", { path: { job_id: String(task.id) } }), onSuccess: jobsChanged });
  const problem = stop.error ?? running.error;
  const now = running.data?.data ?? [];
  return (
    <Drawer.Root opened onClose={onClose} position="right" size={420} data-dialog-open>
      <Drawer.Overlay />
      <Drawer.Content>
        <div className={classes["drawerHead"]}>
          <Drawer.Title>{t("jobs.now.title")}</Drawer.Title>
          <Drawer.CloseButton aria-label={t("kit.dialog.close")} />
        </div>
        <div className={classes["drawerBody"]}>
          {problem && <ProblemBox error={problem} />}
          <section className="stack" aria-label={t("jobs.running")}>
            <h2>{t("jobs.running")}</h2>
            {running.data && now.length === 0 && <p className="muted">{t("jobs.idle")}</p>}
            <ul className={classes["work"]}>{now.map((one) => <li key={one.id}><Going task={one} onStop={() => stop.mutate(one)} busy={stop.isPending} /></li>)}</ul>
          </section>
          <section className="stack" aria-label={t("jobs.now.ended")}>
            <h2>{t("jobs.now.ended")}</h2>
            {ended.data?.length === 0 && <p className="muted">{t("jobs.activity.empty")}</p>}
            <ul className={classes["work"]}>{ended.data?.map((one) => <li key={one.id}><Ended task={one} /></li>)}</ul>
          </section>
          <Link to="/activity">{t("jobs.now.all")}</Link>
        </div>
      </Drawer.Content>
    </Drawer.Root>
  );
}

function What({ task }: { task: TaskOut }) {
  const kind = useKind();
  const page = PAGES[task.vendor_type];
  return page ? <Link to={page}>{kind(task.vendor_type)}</Link> : <span>{kind(task.vendor_type)}</span>;
}

function Going({ task, onStop, busy }: { task: TaskOut; onStop: () => void; busy: boolean }) {
  const t = useWords();
  const language = useLanguage();
  const kind = useKind();
  return (
    <>
      <div className="row">
        <What task={task} />
        <span className="grow" />
        <Button size="xs" variant="default" aria-label={t("jobs.now.stop", { kind: kind(task.vendor_type), id: task.id })} disabled={task.stopping} loading={busy} onClick={onStop}>{task.stopping ? t("work.stopping") : t("work.stop")}</Button>
      </div>
      <Progress part={shareOf(task.progress)} label={`${kind(task.vendor_type)} ${task.id}`} text={progressText(task.progress, t, language) || t("work.running")} />
    </>
  );
}

function Ended({ task }: { task: TaskOut }) {
  return (
    <>
      <div className="row"><What task={task} /><span className="grow" /><StateChip status={task.status} /></div>
      <span className="small muted"><Time value={timeOf(task.end_time) ? task.end_time : task.update_time} />{task.message && <> · <bdi>{task.message}</bdi></>}</span>
    </>
  );
}

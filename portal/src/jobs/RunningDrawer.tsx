// What goes on now and what ended last, beside the page: how far each is, Stop, and the way to its page.
import { Button, Drawer } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { WorkRun } from "../api/schema.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Progress } from "../kit/Progress.tsx";
import { Time } from "../kit/values.tsx";
import { progressText, shareOf, StateChip } from "../kit/Work.tsx";
import classes from "./jobs.module.css";
import { useKind } from "./kinds.ts";
import { stateOfRun } from "./queueLoad.ts";
import { endedQuery, goingQuery, jobsChanged, stopRun } from "./queries.ts";
import { Kind, StartedBy, SubjectOf } from "./RunSubject.tsx";

export default function RunningDrawer({ onClose }: { onClose: () => void }) {
  const t = useTranslate();
  const going = useQuery(goingQuery);
  const ended = useQuery(endedQuery);
  const here = useRouterState({ select: (state) => state.location.pathname });
  const opened = useRef(here);
  useEffect(() => {
    if (here !== opened.current) onClose();
  }, [here, onClose]);
  const stop = useMutation({ mutationFn: (run: WorkRun) => stopRun(run.id), onSuccess: jobsChanged });
  const problem = stop.error ?? going.error;
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
            {going.data?.length === 0 && <p className="muted">{t("jobs.idle")}</p>}
            <ul className={classes["work"]}>{going.data?.map((one) => <li key={one.id}><Going run={one} onStop={() => stop.mutate(one)} busy={stop.isPending && stop.variables.id === one.id} /></li>)}</ul>
          </section>
          <section className="stack" aria-label={t("jobs.now.ended")}>
            <h2>{t("jobs.now.ended")}</h2>
            {ended.data?.length === 0 && <p className="muted">{t("jobs.activity.empty")}</p>}
            <ul className={classes["work"]}>{ended.data?.map((one) => <li key={one.id}><Ended run={one} /></li>)}</ul>
          </section>
          <Link to="/activity">{t("jobs.now.all")}</Link>
        </div>
      </Drawer.Content>
    </Drawer.Root>
  );
}

const isNamed = (run: WorkRun) => run.subject !== "" || run.project !== "";

function Going({ run, onStop, busy }: { run: WorkRun; onStop: () => void; busy: boolean }) {
  const t = useTranslate();
  const language = useLanguage();
  const kind = useKind();
  const text = stateOfRun(run) === "Pending" ? run.message || t("work.begins") : progressText(run.progress, t, language) || t("work.running");
  return (
    <>
      <div className="row">
        <span className="grow"><Kind of={run} run />{isNamed(run) && <> <SubjectOf of={run} /></>}</span>
        <Button size="xs" variant="default" aria-label={t("jobs.now.stop", { kind: kind(run.vendor_type), id: run.id })} disabled={run.stopping} loading={busy} onClick={onStop}>{run.stopping ? t("work.stopping") : t("work.stop")}</Button>
      </div>
      <div className={classes["wide"]}><Progress part={shareOf(run.progress)} label={`${kind(run.vendor_type)} ${run.id}`} text={text} /></div>
      <span className="small"><StartedBy run={run} /><span className="muted"> · <Time value={run.start_time} /></span></span>
    </>
  );
}

function Ended({ run }: { run: WorkRun }) {
  return (
    <>
      <div className="row"><span className="grow"><Kind of={run} run />{isNamed(run) && <> <SubjectOf of={run} /></>}</span><StateChip status={run.status} /></div>
      <span className="small muted"><Time value={run.end_time} /> · <StartedBy run={run} />{run.message && <> · <bdi lang="en">{run.message}</bdi></>}</span>
    </>
  );
}

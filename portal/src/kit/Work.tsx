// Work that takes a while: its state as a chip, how far it is as a block, and the words for both vocabularies of the API.
import { Button } from "@mantine/core";
import { IconCheck, IconClock, IconLoader2, IconPlayerPause, IconPlayerStop, IconRotateClockwise, IconX, type Icon } from "@tabler/icons-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import type { Key, Translate } from "../i18n/translator.ts";
import { Chip, type Tone } from "./Chip.tsx";
import { bytes, duration, number, timeOf } from "./format.ts";
import { rateOf, remember, saidLeft, type Seen } from "./rate.ts";
import classes from "./work.module.css";
import { Progress } from "./Progress.tsx";
import { say } from "./announcer.ts";

const STATES: Record<string, [Key, Tone, Icon]> = {
  waiting: ["work.waiting", "plain", IconClock],
  running: ["work.running", "accent", IconLoader2],
  done: ["work.done", "ok", IconCheck],
  failed: ["work.failed", "danger", IconX],
  stopped: ["work.stopped", "plain", IconPlayerStop],
  paused: ["work.paused", "warn", IconPlayerPause],
  retrying: ["work.retrying", "warn", IconRotateClockwise],
};
/** Jobs say `Success`, replications `Succeed`: one word for people. */
const KNOWN: Record<string, string> = {
  pending: "waiting", scheduled: "waiting", initialized: "waiting", running: "running", inprogress: "running",
  success: "done", succeed: "done", error: "failed", failed: "failed", stopped: "stopped", paused: "paused", retrying: "retrying",
};

export const stateOf = (status: string | undefined): string => KNOWN[(status ?? "").toLowerCase()] ?? "waiting";
export const isOver = (status: string | undefined): boolean => ["done", "failed", "stopped"].includes(stateOf(status));

export function StateChip({ status, title }: { status: string | undefined; title?: string }) {
  const t = useTranslate();
  const [word, tone, sign] = STATES[stateOf(status)] as [Key, Tone, Icon];
  return <Chip tone={tone} icon={sign} {...(title ? { title } : {})}>{t(word)}</Chip>;
}

export interface WorkProgress {
  done: number;
  total: number;
  done_bytes: number;
  total_bytes: number;
  rate: number;
  seconds_left: number;
}

/** `128 of 210 · 9.1 of 16 GiB · 41 MiB/s · about 3 min left`; a figure that is not known is left out. */
export function progressText(one: WorkProgress, t: Translate, language: string): string {
  const said: string[] = [];
  if (one.total > 0) said.push(t("work.of", { done: number(one.done, language), total: number(one.total, language) }));
  else if (one.done > 0) said.push(number(one.done, language));
  if (one.total_bytes > 0) said.push(t("work.of", { done: bytes(one.done_bytes, language), total: bytes(one.total_bytes, language) }));
  else if (one.done_bytes > 0) said.push(bytes(one.done_bytes, language));
  if (one.rate > 0) said.push(t("work.rate", { rate: one.done_bytes > 0 || one.total_bytes > 0 ? bytes(one.rate, language) : number(Math.round(one.rate), language) }));
  const left = saidLeft(one.seconds_left, shareOf(one));
  if (left !== null) said.push(t("work.left", { time: duration(left, language) }));
  return said.join(" · ");
}

/** The share that is done, from 0 to 1; null: it cannot be said. */
export function shareOf(one: WorkProgress): number | null {
  if (one.total_bytes > 0) return one.done_bytes / one.total_bytes;
  return one.total > 0 ? one.done / one.total : null;
}

/** How far work is, said to who does not look: when it begins, at each quarter, and once at its end. `said`: it and its figures. */
export function useSaidWork(status: string | undefined, part: number | null, said: string): void {
  const t = useTranslate();
  const state = status === undefined ? "" : stateOf(status);
  const step = state === "running" ? `running ${Math.floor((part ?? 0) * 4)}` : state;
  const last = useRef("");
  useEffect(() => {
    const before = last.current;
    last.current = step;
    if (before === "" || before === step || step === "" || state === "waiting") return;
    say(`${said}: ${t((STATES[state] as [Key, Tone, Icon])[0])}`);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [step]);
}

/** The same with the rate of the last half minute and what is left by it, once enough was seen. */
export function useRecent(progress: WorkProgress | undefined): WorkProgress | undefined {
  const seen = useRef<Seen[]>([]);
  const [recent, setRecent] = useState<WorkProgress>();
  useEffect(() => {
    if (!progress) return;
    seen.current = remember(seen.current, { at: Date.now(), done: progress.done, bytes: progress.done_bytes });
    const rate = rateOf(seen.current);
    const left = progress.total_bytes > 0 ? progress.total_bytes - progress.done_bytes : progress.total - progress.done;
    setRecent(rate === null ? progress : { ...progress, rate, seconds_left: rate > 0 && left > 0 ? left / rate : -1 });
  }, [progress]);
  return progress && (recent ?? progress);
}

/** Work that runs: state, bar, figures, who began it, Stop. */
export function WorkBlock({ label, status, stopping, progress: given, aside, by, phases, onStop, stopBusy }: {
  label: string;
  status: string | undefined;
  stopping?: boolean;
  progress: WorkProgress | undefined;
  aside?: ReactNode;
  /** Who or what began it. */
  by?: ReactNode;
  /** Below the bar. */
  phases?: ReactNode;
  onStop?: (() => void) | undefined;
  stopBusy?: boolean;
}) {
  const t = useTranslate();
  const language = useLanguage();
  const progress = useRecent(given);
  const text = progress ? progressText(progress, t, language) : "";
  useSaidWork(status, progress ? shareOf(progress) : null, text && stateOf(status) === "running" ? `${label}, ${text}` : label);
  return (
    <section className={`panel stack ${classes["work"]}`} aria-label={label}>
      <div className="row">
        <StateChip status={status} />
        <span className="strong">{label}</span>
        {(aside || by) && <span className="muted small">{aside}{aside && by ? " · " : ""}{by}</span>}
        <span className="grow" />
        {onStop && !isOver(status) && <Button size="xs" variant="default" leftSection={<IconPlayerStop size={16} stroke={1.5} aria-hidden />} onClick={onStop} loading={stopBusy ?? false} disabled={stopping ?? false}>{stopping ? t("work.stopping") : t("work.stop")}</Button>}
      </div>
      {stateOf(status) === "waiting" && <p className="small muted">{t("work.begins")}</p>}
      {stateOf(status) === "running" && <div className={classes["wide"]}><Progress part={progress ? shareOf(progress) : null} label={label} text={text || t("work.running")} /></div>}
      {phases}
    </section>
  );
}

/** How long something took, from one time of the API to another. */
export function Took({ from, to }: { from: string | undefined; to: string | undefined }) {
  const language = useLanguage();
  const [began, ended] = [timeOf(from), timeOf(to)];
  return began && ended ? <span className="figures">{duration((ended.getTime() - began.getTime()) / 1000, language)}</span> : <span className="muted">–</span>;
}

// Where work runs and where it waits, to be seen at a glance; nothing of both, nothing is drawn.
import type { JobQueue, TaskOut } from "../api/schema.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Bars } from "../kit/Bars.tsx";
import { ChartFrame } from "../kit/ChartFrame.tsx";
import { duration, number } from "../kit/format.ts";
import { useKind } from "./kinds.ts";
import { loadOf } from "./queueLoad.ts";

/** `running`: at most a hundred tasks; of more than those the chart has the first. */
export function QueueChart({ queues, running }: { queues: readonly JobQueue[]; running: readonly TaskOut[] }) {
  const t = useTranslate();
  const language = useLanguage();
  const kind = useKind();
  const load = loadOf(queues, running);
  if (load.length === 0) return null;
  const waiting = load.reduce((sum, one) => sum + one.waiting, 0);
  const longest = load.reduce((most, one) => (one.waiting > 0 && one.oldest > (most?.oldest ?? -1) ? one : most), undefined as (typeof load)[number] | undefined);
  const parts = (one: (typeof load)[number]) => [
    ...(one.running > 0 ? [t("jobs.summary.running", { count: one.running })] : []), ...(one.waiting > 0 ? [t("jobs.summary.waiting", { count: one.waiting }), t("jobs.oldestOf", { time: duration(one.oldest, language) })] : []), ...(one.paused ? [t("work.paused")] : []),
  ];
  return (
    <ChartFrame
      title={t("jobs.chart.title")} heads={[t("jobs.column.kind"), t("jobs.running"), t("jobs.column.waiting"), t("jobs.column.oldest")]}
      rows={load.map((one) => [kind(one.queue), number(one.running, language), number(one.waiting, language), one.waiting > 0 ? duration(one.oldest, language) : "–"])}
      summary={longest ? t("jobs.chart.waits", { count: waiting, kind: kind(longest.queue), time: duration(longest.oldest, language) }) : t("jobs.chart.none")}
    >
      <Bars label={t("jobs.chart.title")} bars={load.map((one) => ({ key: one.queue, name: kind(one.queue), value: one.running, more: one.waiting, said: parts(one).join(" · ") }))} />
    </ChartFrame>
  );
}

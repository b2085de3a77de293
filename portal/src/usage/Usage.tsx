// Storage and traffic over time, as charts; of one project or of all.
import { Select, TextInput } from "@mantine/core";
import { IconCalendar } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode } from "react";
import type { Usage } from "../api/schema.ts";
import { useSearch } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { TimeChart } from "../kit/Chart.tsx";
import { bytes, number } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { daysOf, RANGES, spanOf, usageQuery, type Days, type Range } from "./queries.ts";

const USUAL: Range = "30";

/** The range is in the address: `?range=7`, or `?from=2026-01-01&to=2026-01-31`. */
export function useRange(): Range | Days {
  const [search] = useSearch();
  const [from, to] = [search["from"], search["to"]];
  return useMemo(() => daysOf(from, to, new Date()), [from, to]) ?? RANGES.find((one) => one === search["range"]) ?? USUAL;
}

export function RangeField() {
  const t = useTranslate();
  const [, change] = useSearch();
  const range = useRange();
  const [typed, setTyped] = useState<Days | null>(typeof range === "object" ? range : null);
  const choose = (value: string | null) => {
    if (value === "custom") {
      const { from } = spanOf(typeof range === "object" ? USUAL : range, new Date());
      setTyped({ from, to: new Date().toISOString().slice(0, 10) });
    } else {
      setTyped(null);
      change({ range: value === USUAL ? undefined : (value ?? undefined), from: undefined, to: undefined });
    }
  };
  const type = (next: Days) => {
    setTyped(next);
    if (daysOf(next.from, next.to, new Date())) change({ range: undefined, from: next.from, to: next.to });
  };
  const chosen = typed ? "custom" : typeof range === "string" ? range : "custom";
  return (
    <div className="row" data-no-print>
      <Select aria-label={t("usage.range.label")} w={170} allowDeselect={false} value={chosen} data={[...RANGES, "custom" as const].map((one) => ({ value: one, label: t(`usage.range.${one}`) }))} onChange={choose} />
      {typed && (
        <>
          <TextInput type="date" leftSection={<IconCalendar size={16} stroke={1.5} aria-hidden />} aria-label={t("usage.range.from")} value={typed.from} max={typed.to} onChange={(event) => type({ ...typed, from: event.currentTarget.value })} />
          <span aria-hidden>–</span>
          <TextInput type="date" leftSection={<IconCalendar size={16} stroke={1.5} aria-hidden />} aria-label={t("usage.range.to")} value={typed.to} min={typed.from} onChange={(event) => type({ ...typed, to: event.currentTarget.value })} />
        </>
      )}
    </div>
  );
}

/** `project` null: all of them. */
export function UsageCharts({ project }: { project: string | null }) {
  const t = useTranslate();
  const language = useLanguage();
  const range = useRange();
  const query = useQuery(usageQuery(project, range));
  if (query.error && !query.data) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  const found = query.data;
  if (!found) return <Waiting />;
  const days = found.periods.map((one) => one.start);
  const sum = (field: "pulls" | "pushes") => found.periods.reduce((total, one) => total + one[field], 0);
  const traffic = [t("usage.pulled", { count: sum("pulls"), n: number(sum("pulls"), language) }), t("usage.pushed", { count: sum("pushes"), n: number(sum("pushes"), language) })].join(" · ");
  const known = found.periods.filter((one) => one.storage !== null);
  return (
    <>
      {known.length > 1 && known.some((one) => one.storage) ? (
        <TimeChart title={t("usage.storage")} summary={<Grown usage={found} />} days={days} measure="bytes" filled series={[{ name: t("usage.stored"), values: found.periods.map((one) => one.storage) }]} />
      ) : <Said title={t("usage.storage")}><Grown usage={found} /></Said>}
      {sum("pulls") + sum("pushes") > 0 ? (
        <TimeChart title={t("usage.traffic")} summary={traffic} days={days} measure="count" unit={found.by === "week" ? t("usage.perWeek") : t("usage.perDay")} series={[{ name: t("usage.pulls"), values: found.periods.map((one) => one.pulls) }, { name: t("usage.pushes"), values: found.periods.map((one) => one.pushes) }]} />
      ) : <Said title={t("usage.traffic")}>{t("usage.quiet")}</Said>}
    </>
  );
}

/** Where a chart would show nothing, or one value: what it would say. */
function Said({ title, children }: { title: string; children: ReactNode }) {
  return <section className="panel stack" aria-label={title}><h2>{title}</h2><p className="muted">{children}</p></section>;
}

/** How much more or less is stored than at the first day that is known. */
function Grown({ usage }: { usage: Usage }) {
  const t = useTranslate();
  const language = useLanguage();
  const days = usage.periods.filter((one) => one.storage !== null);
  const known = days.map((one) => one.storage as number);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return <>{t("usage.unknown")}</>;
  const said = { from: bytes(first, language), to: bytes(last, language), date: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(days[0]?.start ?? "")) };
  if (last === 0 && first === 0) return <>{t("usage.empty")}</>;
  if (known.length === 1) return <>{t("usage.now", { bytes: said.to })}</>;
  return <>{first === last ? t("usage.same", { bytes: said.to }) : last > first ? t("usage.grew", said) : t("usage.shrank", said)}</>;
}

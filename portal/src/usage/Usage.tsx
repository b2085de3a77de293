// Storage and traffic over time, as charts; of one project or of all.
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Usage } from "../api/schema.ts";
import { useSearch } from "../app/search.ts";
import { useLanguage, useWords } from "../app/words.ts";
import { TimeChart } from "../kit/Chart.tsx";
import { bytes, number } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { RANGES, usageQuery, type Range } from "./queries.ts";

const USUAL: Range = "30";

/** The range is in the address. */
export function useRange(): [Range, (range: Range) => void] {
  const [search, change] = useSearch();
  const range = RANGES.find((one) => one === search["range"]) ?? USUAL;
  return [range, (next) => change({ range: next === USUAL ? undefined : next })];
}

export function RangeField() {
  const t = useWords();
  const [range, setRange] = useRange();
  return <Select aria-label={t("usage.range.label")} w={170} allowDeselect={false} value={range} data={RANGES.map((one) => ({ value: one, label: t(`usage.range.${one}`) }))} onChange={(value) => setRange((value ?? USUAL) as Range)} />;
}

/** `project` null: all of them. */
export function UsageCharts({ project }: { project: string | null }) {
  const t = useWords();
  const language = useLanguage();
  const [range] = useRange();
  const query = useQuery(usageQuery(project, range));
  if (query.error && !query.data) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  const found = query.data;
  if (!found) return <Waiting />;
  const days = found.periods.map((one) => one.start);
  const sum = (field: "pulls" | "pushes") => found.periods.reduce((total, one) => total + one[field], 0);
  const traffic = [t("usage.pulled", { count: sum("pulls"), n: number(sum("pulls"), language) }), t("usage.pushed", { count: sum("pushes"), n: number(sum("pushes"), language) })].join(" · ");
  return (
    <>
      <TimeChart title={t("usage.storage")} summary={<Grown usage={found} />} days={days} measure="bytes" filled series={[{ name: t("usage.stored"), values: found.periods.map((one) => one.storage) }]} />
      <TimeChart title={t("usage.traffic")} summary={traffic} days={days} measure="count" series={[{ name: t("usage.pulls"), values: found.periods.map((one) => one.pulls) }, { name: t("usage.pushes"), values: found.periods.map((one) => one.pushes) }]} />
    </>
  );
}

/** How much more or less is stored than at the first day that is known. */
function Grown({ usage }: { usage: Usage }) {
  const t = useWords();
  const language = useLanguage();
  const known = usage.periods.flatMap((one) => (one.storage === null ? [] : [one.storage]));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return <>{t("usage.unknown")}</>;
  const said = { from: bytes(first, language), to: bytes(last, language) };
  if (known.length === 1) return <>{t("usage.now", { bytes: said.to })}</>;
  return <>{first === last ? t("usage.same", { bytes: said.to }) : last > first ? t("usage.grew", said) : t("usage.shrank", said)}</>;
}

// How much is stored, by whom, and is it growing? How much is pulled and pushed?
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { places } from "../app/paths.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Bars, type Bar } from "../kit/Bars.tsx";
import { ChartFrame } from "../kit/ChartFrame.tsx";
import { Empty } from "../kit/Empty.tsx";
import { bytes, number } from "../kit/format.ts";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name } from "../kit/values.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { largestQuery, usageQuery } from "./queries.ts";
import { RangeField, UsageCharts, useRange } from "./Usage.tsx";

export default function UsagePage() {
  const t = useTranslate();
  return (
    <Page title={t("usage.title")} actions={<RangeField />}>
      <div className="sections">
        <UsageCharts project={null} />
        <ByProject />
      </div>
    </Page>
  );
}

function ByProject() {
  const t = useTranslate();
  const language = useLanguage();
  const range = useRange();
  const query = useQuery(largestQuery);
  const all = useQuery(usageQuery(null, range)).data?.periods.at(-1)?.storage ?? 0;
  const found = query.data;
  const shown = found?.data.filter((one) => (one.used["storage"] ?? 0) > 0) ?? [];
  const others = found ? found.total - shown.length : 0;
  const rest = all - shown.reduce((sum, one) => sum + (one.used["storage"] ?? 0), 0);
  if (query.error && !found) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  if (!found) return <Waiting />;
  const largest = shown[0];
  const bars: Bar[] = [
    ...shown.map((one) => {
      const [used, limit] = [one.used["storage"] ?? 0, one.hard["storage"] ?? -1];
      return { key: String(one.id), name: <Link to={places.project(one.ref.name)}><Name>{one.ref.name}</Name></Link>, value: used, said: limit < 0 ? bytes(used, language) : t("kit.quota.of", { used: bytes(used, language), limit: bytes(limit, language) }), ...(limit < 0 ? {} : { limit }) };
    }),
    ...(others > 0 && rest > 0 ? [{ key: "rest", name: t("usage.others", { count: others, n: number(others, language) }), value: rest, said: bytes(rest, language), rest: true }] : []),
  ];
  return (
    <>
      {largest === undefined ? <Empty>{t("usage.nothing")}</Empty> : (
        <ChartFrame
          title={t("usage.byProject")} aside={<Link to="/admin/quotas">{t("usage.toQuotas")}</Link>} heads={[t("usage.project"), t("usage.stored")]} rows={bars.map((one) => [one.name, one.said])}
          summary={<>{t("usage.largest", { name: largest.ref.name, bytes: bytes(largest.used["storage"] ?? 0, language) })} {t("usage.byProjectHint")}</>}
        >
          <Bars label={t("usage.byProject")} bars={bars} />
        </ChartFrame>
      )}
    </>
  );
}

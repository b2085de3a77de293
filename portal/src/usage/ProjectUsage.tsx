// What a project stores, and what is pulled from it and pushed to it, over time: below its summary.
import { useTranslate } from "../i18n/hooks.ts";
import { RangeField, UsageCharts } from "./Usage.tsx";

export default function ProjectUsage({ project }: { project: string }) {
  const t = useTranslate();
  return (
    <section className="stack" aria-label={t("usage.title")}>
      <div className="row"><h2>{t("usage.title")}</h2><span className="grow" /><RangeField /></div>
      <UsageCharts project={project} />
    </section>
  );
}

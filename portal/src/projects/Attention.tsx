// Is anything wrong in this project? What ends soon, is nearly full, has failed or does not answer; nothing is shown where all is well.
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Project, ProjectSummary, RetentionExecution } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useMay } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { date, percent } from "../kit/format.ts";
import { policyQuery, runsQuery } from "../retention/queries.ts";
import { cronOf } from "../retention/rules.ts";
import { robotsQuery } from "../robots/queries.ts";
import { failingQuery } from "../webhooks/queries.ts";
import classes from "./projects.module.css";

const SOON_SECONDS = 14 * 86_400;
const NEARLY = 0.85;
const ROBOTS = { q: "", sort: "expires_at", page: 1, size: 100, filters: {}, isFiltered: false, set: () => undefined, clear: () => undefined };

export function Attention({ project, summary }: { project: Project; summary: ProjectSummary }) {
  const t = useTranslate();
  const language = useLanguage();
  const may = useMay(project.name);
  const robots = useQuery({ ...robotsQuery(project.name, project.project_id, ROBOTS), enabled: may("robot:list") }).data?.data ?? [];
  const policy = project.metadata.retention_id ? Number(project.metadata.retention_id) : null;
  const runs = useQuery({ ...runsQuery(project.name, policy), enabled: policy !== null && may("tag-retention:read") }).data as RetentionExecution[] | undefined;
  const last = runs?.[0];
  const kept = useQuery({ ...policyQuery(project.name, policy), enabled: policy !== null && may("tag-retention:read") }).data;
  const failing = useQuery({ ...failingQuery(project.name), enabled: may("notification-policy:read") }).data ?? [];
  const now = Date.now() / 1000;
  const found: { key: string; said: ReactNode; to?: string }[] = [];
  const registry = summary.registry;
  if (registry && registry.status === "unhealthy") found.push({ key: "registry", said: t("projects.summary.upstreamAway", { name: registry.name ?? "" }) });
  const [used, limit] = [summary.quota?.used["storage"] ?? 0, summary.quota?.hard["storage"] ?? -1];
  if (limit > 0 && used / limit >= NEARLY) found.push({ key: "quota", said: t("projects.summary.nearlyFull", { share: percent(used / limit, language) }) });
  if (last && ["Error", "Failed"].includes(last.status)) found.push({ key: "retention", said: t("projects.summary.retentionFailed"), to: places.retention(project.name) });
  else if (runs?.every((one) => one.dry_run) && kept?.rules?.some((one) => !one.disabled) && !cronOf(kept)) found.push({ key: "retention", said: t("projects.summary.retentionNever"), to: places.retention(project.name) });
  for (const one of failing) found.push({ key: `webhook ${one.id}`, said: t("projects.summary.webhookFails", { name: one.name, date: date(new Date(one.failed_time), language) }), to: places.webhook(project.name, one.id) });
  for (const one of robots) {
    const ends = one.expires_at ?? -1;
    if (ends <= 0 || one.disable || ends > now + SOON_SECONDS) continue;
    const values = { name: one.name ?? "", date: date(new Date(ends * 1000), language) };
    found.push({ key: `robot ${one.id ?? ""}`, said: ends > now ? t("projects.summary.robotEnds", values) : t("projects.summary.robotEnded", values), to: places.robots(project.name) });
  }
  if (found.length === 0) return null;
  return (
    <section className="stack" aria-label={t("projects.summary.attention")}>
      <h2>{t("projects.summary.attention")}</h2>
      <ul className={classes["attention"]}>
        {found.slice(0, 8).map(({ key, said, to }) => <li key={key}><IconAlertTriangle size={16} stroke={1.5} aria-hidden />{to === undefined ? <span>{said}</span> : <Link to={to}>{said}</Link>}</li>)}
      </ul>
    </section>
  );
}

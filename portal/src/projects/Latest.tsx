// What is new in a project, and what takes the most of its room: repositories, five of each.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { call } from "../api/client.ts";
import { places, split } from "../app/paths.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { OwnShared } from "../kit/Progress.tsx";
import { Name, Time } from "../kit/values.tsx";
import classes from "./projects.module.css";
import { IS_NAME } from "./queries.ts";

const SHOWN = 5;

export function Latest({ project }: { project: string }) {
  const t = useTranslate();
  const may = useMay(project);
  const latest = useQuery({
    queryKey: ["repositories", project, "latest"],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name}/repositories", { path: { project_name: project }, query: { sort: "-update_time", page_size: SHOWN }, signal })).data,
  }).data ?? [];
  const largest = useQuery({
    queryKey: ["repositories", project, "largest"],
    enabled: may("quota:read"),
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name_or_id}/storage/repositories", { path: { project_name_or_id: project }, query: { page_size: SHOWN }, header: IS_NAME, signal })).data,
  }).data ?? [];
  const most = Math.max(0, ...largest.map((one) => one.own + one.shared));
  if (latest.length === 0) return null;
  return (
    <div className={classes["pair"]}>
      <Ranked title={t("projects.summary.latest")} rows={latest.map((one) => [one.name ?? "", <span key="t" className="muted"><Time value={one.update_time} /></span>])} project={project} />
      {largest.length > 0 && <Ranked title={t("projects.summary.largest")} rows={largest.map((one) => [one.name, <OwnShared key="b" own={one.own} shared={one.shared} most={most} />])} project={project} />}
    </div>
  );
}

function Ranked({ title, rows, project }: { title: string; rows: [string, ReactNode][]; project: string }) {
  return (
    <section className="stack" aria-label={title}>
      <h2>{title}</h2>
      <ol className={`panel ${classes["ranked"] ?? ""}`}>
        {rows.map(([name, value]) => <li key={name}><Link to={places.repository(project, split(name)[1])}><Name>{split(name)[1]}</Name></Link>{value}</li>)}
      </ol>
    </section>
  );
}

// The head of a project and its tabs; the page of the tab stands below it.
import { IconLock, IconWorld } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useParams } from "@tanstack/react-router";
import { entries } from "../app/pages.ts";
import { places } from "../app/paths.ts";
import { useCan, useMay } from "../app/session.tsx";
import { Failed } from "../app/guards.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Page } from "../kit/Page.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { Quota } from "../kit/Progress.tsx";
import { ROLES, projectQuery, summaryQuery } from "./queries.ts";
import { Switcher } from "./Switcher.tsx";
import classes from "./projects.module.css";

export default function ProjectFrame() {
  const t = useTranslate();
  const { project: name } = useParams({ strict: false }) as { project: string };
  const query = useQuery(projectQuery(name));
  const may = useMay(name);
  const can = useCan();
  const quota = useQuery({ ...summaryQuery(name), enabled: may("quota:read") }).data?.quota;
  if (query.error && !query.data) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const project = query.data;
  const role = project && ROLES[project.current_user_role_id as keyof typeof ROLES];
  const tabs = entries("tab", "project").filter(({ tab }) => (tab.needs === undefined || may(tab.needs)) && (tab.capability === undefined || can(tab.capability)));
  return (
    <Page
      title={name} isName crumbs={[{ label: t("projects.title"), to: places.projects }]} windowTitle={[name]} copy={<Switcher />}
      aside={project && <span className="row"><Chip icon={project.metadata.public === "true" ? IconWorld : IconLock}>{project.metadata.public === "true" ? t("projects.public") : t("projects.private")}</Chip>{role && <span className="muted">{t(role)}</span>}{quota && <span className={classes["full"]}><Quota used={quota.used["storage"] ?? 0} limit={quota.hard["storage"] ?? -1} label={t("projects.quotaOf", { name })} /></span>}</span>}
      under={<Tabs label={t("projects.tabs")} tabs={tabs.map(({ path, tab }) => ({ to: path === "/" ? places.project(name) : `${places.project(name)}/${path}`, label: t(tab.label), exact: path === "/", count: path === "repositories" ? project?.repo_count : undefined }))} />}
    >
      <Outlet />
    </Page>
  );
}

// The head of a repository and its tabs.
import { ActionIcon, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { entries } from "../app/pages.ts";
import { useOffers } from "../app/keys.ts";
import { places } from "../app/paths.ts";
import { useCan, useMay } from "../app/session.tsx";
import { Failed } from "../app/guards.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Page } from "../kit/Page.tsx";
import { Copy } from "../kit/values.tsx";
import { projectQuery } from "../projects/queries.ts";
import { Switcher } from "../projects/Switcher.tsx";
import { DeleteRepositories } from "./DeleteRepositories.tsx";
import { useHost } from "../artifacts/PushCommands.tsx";
import { repositoryQuery, useRepository } from "../artifacts/queries.ts";
import kit from "../kit/kit.module.css";
import { Tabs } from "../kit/Tabs.tsx";

export default function RepositoryFrame() {
  const t = useTranslate();
  const { project, repository, path } = useRepository();
  const host = useHost();
  const may = useMay(project);
  const can = useCan();
  const navigate = useNavigate();
  const [deletes, setDeletes] = useState(false);
  const above = useQuery(projectQuery(project)); // also its visibility, for the commands
  const query = useQuery({ ...repositoryQuery(path), enabled: may("repository:read") });
  useOffers(may("repository:delete") ? [{ label: t("artifacts.deleteRepositories.open", { count: 1 }), note: repository, press: () => setDeletes(true) }] : []);
  if (above.error && !above.data) return <Failed error={above.error} onRetry={() => void above.refetch()} />;
  if (query.error && !query.data) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const about = query.data?.description?.split("\n").find((line) => line.trim() !== "")?.replace(/^[#>\s]+/, "").slice(0, 200);
  const base = places.repository(project, repository);
  const tabs = entries("tab", "repository").filter(({ tab }) => (tab.needs === undefined || may(tab.needs)) && (tab.capability === undefined || can(tab.capability)));
  return (
    <Page
      title={repository} isName windowTitle={[`${project}/${repository}`]} crumbs={[{ label: t("projects.title"), to: places.projects }, { label: project, to: places.repositories(project), beside: <Switcher /> }]}
      copy={<><Copy text={`${host}/${project}/${repository}`} label={t("artifacts.copyName")} /><Switcher of={project} /></>}
      actions={may("repository:delete") && (
        <Menu>
          <Menu.Target><ActionIcon variant="default" size={32} aria-label={t("kit.table.menu", { name: repository })}><IconDots size={16} stroke={1.5} /></ActionIcon></Menu.Target>
          <Menu.Dropdown><Menu.Item className="danger" onClick={() => setDeletes(true)}>{t("artifacts.deleteRepositories.open", { count: 1 })}</Menu.Item></Menu.Dropdown>
        </Menu>
      )}
      under={<>{about && <p className={`muted ${kit["about"] ?? ""}`}><bdi>{about}</bdi></p>}<Tabs label={t("artifacts.tabs")} tabs={tabs.map(({ path: sub, tab }) => ({ to: sub === "/" ? base : `${base}/${sub}`, label: t(tab.label), exact: sub === "/" }))} /></>}
    >
      <Outlet />
      {deletes && <DeleteRepositories project={project} names={[repository]} onClose={() => setDeletes(false)} onDone={() => void navigate({ to: places.repositories(project) })} />}
    </Page>
  );
}

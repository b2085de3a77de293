// Where is my project, and what eats the space?
import { Button, Menu, Select } from "@mantine/core";
import { IconWorld } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { places } from "../app/paths.ts";
import { useListState } from "../app/search.ts";
import { isAdmin, systemQuery, useUser } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { bytes, figure } from "../kit/format.ts";
import { useReopen } from "../kit/formStorage.ts";
import { lazyPart } from "../kit/lazyPart.ts";
import { Page } from "../kit/Page.tsx";
import { Quota } from "../kit/Progress.tsx";
import { Count, Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import type { Project, Quota as QuotaOf } from "../api/schema.ts";
import { ROLES, projectsQuery, quotasOfQuery, quotasQuery, roomQuery, statisticsQuery, todayQuery } from "./queries.ts";
import { StorageLine } from "./StorageLine.tsx";

const DeleteProjects = lazyPart(() => import("./DeleteProjects.tsx"));
const NewProject = lazyPart(() => import("./NewProject.tsx"));

const PROJECT_ADMIN = 1;

export default function ProjectsPage() {
  const t = useTranslate();
  const user = useUser();
  const admin = isAdmin(user);
  const list = useListState({ sort: "name" });
  const query = useQuery(projectsQuery(list));
  const system = useQuery(systemQuery).data;
  const quotas = useQuery({ ...quotasQuery, enabled: admin }).data; // the largest
  const ids = (query.data?.data ?? []).map((one) => one.project_id);
  const held = useQuery({ ...quotasOfQuery(ids), enabled: admin && ids.length > 0 }).data;
  const [makes, setMakes] = useState(false);
  const [going, setGoing] = useState<string[] | null>(null);
  useReopen("project", () => { setMakes(true); return true; });
  // Whose projects they are may delete them; the server decides all the same.
  const own = (query.data?.data ?? []).filter((one) => admin || one.current_user_role_id === PROJECT_ADMIN);
  const mayMake = Boolean(user) && (admin || system?.project_creation_restriction === "everyone");
  const columns: Column<Project>[] = [
    { id: "name", head: t("projects.column.name"), sort: "name", cell: (one) => <span className="row"><Link to={places.repositories(one.name)}><Name>{one.name}</Name></Link>{one.metadata.public === "true" && <Chip icon={IconWorld}>{t("projects.public")}</Chip>}</span> },
    { id: "role", head: t("projects.column.role"), width: "fit", cell: (one) => { const key = ROLES[one.current_user_role_id as keyof typeof ROLES]; return key ? t(key) : <span className="muted">–</span>; } },
    { id: "kind", head: t("projects.column.kind"), width: "fit", phone: 0, cell: (one) => (one.registry_id ? t("projects.kind.proxy") : t("projects.kind.hosted")) },
    { id: "repositories", head: t("projects.column.repositories"), width: "figure", sort: "repo_count", descends: true, cell: (one) => <Count value={one.repo_count ?? 0} /> },
    ...(admin ? [{ id: "stored", head: t("projects.column.stored"), width: "fit" as const, cell: (one: Project) => { const quota = held?.get(one.project_id); return quota ? <Quota used={quota.used["storage"] ?? 0} limit={quota.hard["storage"] ?? -1} label={t("projects.quotaOf", { name: one.name })} /> : null; } }] : []),
    { id: "lastPush", head: t("projects.column.lastPush"), width: "fit", sort: "last_push_time", descends: true, phone: 1, cell: (one) => <Time value={one.last_push_time} /> },
    { id: "created", head: t("projects.column.created"), width: "fit", sort: "creation_time", descends: true, optional: true, cell: (one) => <Time value={one.creation_time} /> },
    { id: "owner", head: t("projects.column.owner"), width: "fit", optional: true, cell: (one) => <Name>{one.owner_name ?? ""}</Name> },
  ];
  const make = mayMake ? <Button onClick={() => setMakes(true)}>{t("projects.new.action")}</Button> : undefined;
  return (
    <Page title={t("projects.title")} actions={make} under={user ? <Figures quotas={quotas} admin={admin} /> : undefined}>
      <Table
        id="projects" caption={t("projects.title")} columns={columns} query={query} list={list} rowKey={(one) => one.project_id} rowName={(one) => one.name} filterLabel={t("projects.filter")}
        tools={
          <>
          <Select
            aria-label={t("projects.visibility.label")} w={160} allowDeselect={false} value={list.filters["public"] ?? "all"} onChange={(value) => list.set({ filters: { public: value === "all" ? undefined : (value ?? undefined) } })}
            data={[{ value: "all", label: t("projects.visibility.all") }, { value: "true", label: t("projects.visibility.public") }, { value: "false", label: t("projects.visibility.private") }]}
          />
          <Select
            aria-label={t("projects.column.kind")} w={160} allowDeselect={false} value={list.filters["proxy"] ?? "all"} onChange={(value) => list.set({ filters: { proxy: value === "all" ? undefined : (value ?? undefined) } })}
            data={[{ value: "all", label: t("projects.kind.all") }, { value: "false", label: t("projects.kind.hosted") }, { value: "true", label: t("projects.kind.proxy") }]}
          />
          </>
        }
        {...(own.length > 0 ? {
          keys: ["remove" as const],
          menu: (one: Project) => (own.includes(one) ? <Menu.Item className="danger" onClick={() => setGoing([one.name])}>{t("projects.delete.open", { count: 1 })}</Menu.Item> : null),
          bulk: (chosen: Project[]) => { const these = chosen.filter((one) => own.includes(one)); return these.length > 0 && <Button size="xs" variant="default" data-removes onClick={() => setGoing(these.map((one) => one.name))}>{t("projects.delete.open", { count: these.length })}</Button>; },
        } : {})}
        empty={<Empty action={mayMake ? <Button onClick={() => setMakes(true)}>{t("projects.new.action")}</Button> : undefined}>{user ? (mayMake ? t("projects.empty.make") : t("projects.empty.ask")) : t("projects.empty.anonymous")}</Empty>}
      />
      <Suspense>{makes && <NewProject onClose={() => setMakes(false)} />}{going && <DeleteProjects names={going} onClose={() => setGoing(null)} />}</Suspense>
    </Page>
  );
}

function Figures({ quotas, admin }: { quotas: Map<number, QuotaOf> | undefined; admin: boolean }) {
  const t = useTranslate();
  const language = useLanguage();
  const found = useQuery(statisticsQuery).data;
  const pulls = useQuery({ ...todayQuery, enabled: admin }).data;
  const room = useQuery({ ...roomQuery, enabled: admin }).data ?? 0;
  if (!found) return <p className="muted">{"\u00a0"}</p>;
  const projects = found.total_project_count ?? found.private_project_count + found.public_project_count;
  const repositories = found.total_repo_count ?? found.private_repo_count + found.public_repo_count;
  const said = [t("projects.figures.projects", { count: projects, n: figure(projects, language) }), t("projects.figures.repositories", { count: repositories, n: figure(repositories, language) })];
  if (admin && found.total_storage_consumption !== undefined) said.push(room > 0 ? t("projects.figures.storedOf", { bytes: bytes(found.total_storage_consumption, language), room: bytes(room, language) }) : t("projects.figures.stored", { bytes: bytes(found.total_storage_consumption, language) }));
  if (pulls !== undefined) said.push(t("projects.figures.pulls", { count: pulls, n: figure(pulls, language) }));
  return (
    <>
      <p className="muted figures">{said.join(" · ")}</p>
      {quotas && <StorageLine quotas={[...quotas.values()]} total={projects} />}
    </>
  );
}

// Which repository, how big, how alive?
import { Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { Repository } from "../api/schema.ts";
import { places, split } from "../app/paths.ts";
import { useListState, type ListState } from "../app/search.ts";
import { queries, useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { OwnShared } from "../kit/Progress.tsx";
import { Count, Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { projectQuery } from "../projects/queries.ts";
import { DeleteRepositories } from "./DeleteRepositories.tsx";
import { PushCommands } from "../artifacts/PushCommands.tsx";
import { repositoriesQuery, storageQuery } from "../artifacts/queries.ts";

export default function RepositoriesPage() {
  const t = useTranslate();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const isProxy = Boolean(useQuery(projectQuery(project)).data?.registry_id);
  const list = useListState({ sort: "-last_push_time" });
  const query = useQuery({ ...repositoriesQuery(project, list), refetchInterval: (state) => (state.state.data?.total === 0 ? 3000 : false) });
  const names = (query.data?.data ?? []).map((one) => one.name ?? "");
  const measures = may("quota:read");
  const held = useQuery({ ...storageQuery(project, names), enabled: names.length > 0 && measures }).data;
  const most = Math.max(0, ...[...(held?.values() ?? [])].map((one) => one.own + one.shared));
  const [pushes, setPushes] = useState(false);
  const [going, setGoing] = useState<Repository[] | null>(null);
  const mayDelete = may("repository:delete");
  const columns: Column<Repository>[] = [
    { id: "name", head: t("artifacts.column.name"), sort: "name", cell: (one) => { const [, short] = split(one.name ?? ""); return <Link to={places.repository(project, short)}><Name>{short}</Name></Link>; } },
    ...(measures ? [{ id: "tags", head: t("artifacts.column.tags"), width: "figure" as const, cell: (one: Repository) => { const used = held?.get(one.name ?? ""); return used ? <Count value={used.tags} /> : null; } }] : []),
    { id: "artifacts", head: t("artifacts.column.artifacts"), width: "figure", sort: "artifact_count", descends: true, cell: (one) => <Count value={one.artifact_count} /> },
    ...(measures ? [{ id: "stored", head: t("artifacts.column.stored"), width: "fit" as const, sort: "own", descends: true, cell: (one: Repository) => { const bytes = held?.get(one.name ?? ""); return bytes ? <OwnShared own={bytes.own} shared={bytes.shared} most={most} /> : null; } }] : []),
    { id: "pulls", head: t("artifacts.column.pulls"), width: "figure", sort: "pull_count", descends: true, cell: (one) => <Count value={one.pull_count} /> },
    { id: "lastPush", head: t("artifacts.column.lastPush"), width: "fit", sort: "last_push_time", descends: true, phone: 1, cell: (one) => <Time value={one.last_push_time} /> },
    ...(measures ? [{ id: "lastPull", head: t("artifacts.column.pulled"), width: "fit" as const, phone: 0 as const, cell: (one: Repository) => { const used = held?.get(one.name ?? ""); return used ? <Time value={used.last_pull_time} /> : null; } }] : []),
    { id: "created", head: t("artifacts.column.created"), width: "fit", sort: "creation_time", descends: true, optional: true, cell: (one) => <Time value={one.creation_time} /> },
  ];
  return (
    <div className="stack">
      {pushes && <PushCommands project={project} />}
      <Table
        id="repositories" caption={t("artifacts.repositories.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.name ?? ""} filterLabel={t("artifacts.repositories.filter")}
        tools={query.data?.total && may("repository:push") ? <Button variant="default" size="xs" aria-expanded={pushes} onClick={() => setPushes(!pushes)}>{t("artifacts.push.title")}</Button> : undefined}
        {...(mayDelete ? {
          menu: (one: Repository) => <Menu.Item className="danger" onClick={() => setGoing([one])}>{t("artifacts.deleteRepositories.open", { count: 1 })}</Menu.Item>,
          keys: ["remove" as const],
          pageOf: (at: ListState) => queries.fetchQuery(repositoriesQuery(project, at)),
          bulk: (chosen: Repository[]) => <Button size="xs" variant="default" data-removes onClick={() => setGoing(chosen)}>{t("artifacts.deleteRepositories.open", { count: chosen.length })}</Button>,
        } : {})}
        empty={may("repository:push") ? <Empty action={<PushCommands project={project} />}>{t("artifacts.repositories.empty")}</Empty> : <Empty>{isProxy ? t("artifacts.repositories.emptyProxy") : t("artifacts.repositories.emptyReader")}</Empty>}
      />
      {going && <DeleteRepositories project={project} names={going.map((one) => split(one.name ?? "")[1])} onClose={() => setGoing(null)} />}
    </div>
  );
}

// The trash as a list: what, who deleted it, when it is purged; to bring back, or to purge now.
import { Button, Menu, Select } from "@mantine/core";
import { IconBox, IconFolder, IconPackage, IconTag } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { TrashEntry } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Confirm } from "../kit/Confirm.tsx";
import { tryEach, type Left } from "../kit/batch.ts";
import { Empty } from "../kit/Empty.tsx";
import { date, shortDigest } from "../kit/format.ts";
import { Refused } from "../kit/Refusals.tsx";
import { Bytes, Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { RestoreAs } from "./RestoreAs.tsx";
import { offered, restoreEntry, trashChanged, trashQuery } from "./queries.ts";

const ICONS = { tag: IconTag, artifact: IconPackage, repository: IconBox, project: IconFolder };
const KINDS = ["tag", "artifact", "repository", "project"] as const;
const HEXES = 8;

/** `project`: of that one; none: of all that the reader can bring back. */
export function TrashTable({ project = "" }: { project?: string }) {
  const t = useTranslate();
  const language = useLanguage();
  const list = useListState({ sort: "-deleted_at" });
  const query = useQuery(trashQuery(project, list));
  const [renames, setRenames] = useState<{ entry: TrashEntry; offer: Record<string, string> } | null>(null);
  const [purges, setPurges] = useState<TrashEntry | null>(null);
  const kinds = project === "" ? KINDS : KINDS.slice(0, 3);
  const [left, setLeft] = useState<Left<TrashEntry>[]>([]);
  const bringBack = useMutation({
    mutationFn: (entries: TrashEntry[]) => {
      setLeft([]);
      return tryEach(entries, (one) => shown(one, project), (one) => restoreEntry(one.id));
    },
    onSuccess: ({ done, left: refused }) => {
      if (done.length > 0) toast(done.length === 1 ? t("trash.restored", { name: short(done[0]?.name ?? "") }) : t("trash.restoredMany", { count: done.length }));
      // Whose name is taken can come back under another; one is asked about, the others are told.
      const taken = refused.find(({ problem }) => offered(problem) !== null);
      if (taken) setRenames({ entry: taken.one, offer: offered(taken.problem) ?? {} });
      setLeft(refused.filter((one) => one !== taken));
    },
    onSettled: (_, __, entries) => trashChanged(entries[0]?.project_name ?? ""),
  });
  const purge = useMutation({
    mutationFn: async (entry: TrashEntry) => (await call("DELETE /trash/{id}", { path: { id: entry.id } })).data,
    onSuccess: (done) => {
      toast(done.finished ? t("trash.purge.done", { name: done.name }) : t("trash.purge.later", { name: done.name }));
      setPurges(null);
    },
    onSettled: (_, __, entry) => trashChanged(entry.project_name),
  });
  const columns: Column<TrashEntry>[] = [
    { id: "name", head: t("trash.column.name"), sort: "name", cell: (one) => <span title={one.name}><Name>{shown(one, project)}</Name></span> },
    { id: "kind", head: t("trash.column.kind"), width: "fit", sort: "kind", cell: (one) => <span className="row"><Chip icon={ICONS[one.kind as keyof typeof ICONS]}>{t(`trash.kind.${one.kind as "tag"}`)}</Chip></span> },
    { id: "by", head: t("trash.column.by"), width: "fit", cell: (one) => (one.deleted_by ? <Name>{one.deleted_by}</Name> : <span className="muted">{t("trash.system")}</span>) },
    { id: "deleted", head: t("trash.column.deleted"), width: "fit", sort: "deleted_at", descends: true, phone: 0, cell: (one) => <Time value={one.deleted_at} /> },
    { id: "purged", head: t("trash.column.purged"), width: "fit", sort: "purge_at", cell: (one) => <Time value={one.purge_at} /> },
    { id: "size", head: t("trash.column.frees"), width: "figure", cell: (one) => <Bytes value={one.size} /> },
  ];
  return (
    <div className="stack">
      {left.length > 0 && <Refused title={t("trash.left", { count: left.length })} left={left} />}
      <Table
        id="trash" caption={t("trash.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => shown(one, project)} filterLabel={t("trash.filter")}
        tools={<Select aria-label={t("trash.column.kind")} w={170} allowDeselect={false} value={list.filters["kind"] ?? "all"} onChange={(kind) => list.set({ filters: { kind: kind === "all" ? undefined : (kind ?? undefined) } })} data={[{ value: "all", label: t("trash.allKinds") }, ...kinds.map((kind) => ({ value: kind, label: t(`trash.kind.${kind}`) }))]} />}
        menu={(one) => (
          <>
            <Menu.Item onClick={() => bringBack.mutate([one])}>{t("trash.restore")}</Menu.Item>
            <Menu.Divider />
            <Menu.Item className="danger" onClick={() => setPurges(one)}>{t("trash.purge.open")}</Menu.Item>
          </>
        )}
        pageOf={(at) => queries.fetchQuery(trashQuery(project, at))}
        bulk={(chosen) => <Button size="xs" variant="default" loading={bringBack.isPending} onClick={() => bringBack.mutate(chosen)}>{t("trash.restoreMany", { count: chosen.length })}</Button>}
        empty={<Empty>{project === "" ? t("trash.emptyAll") : t("trash.empty")}</Empty>}
      />
      {renames && <RestoreAs entry={renames.entry} offer={renames.offer} onClose={() => setRenames(null)} />}
      {purges && (
        <Confirm title={t("trash.purge.title")} submit={t("trash.purge.submit")} name={typed(purges)} busy={purge.isPending} error={purge.error} onConfirm={() => purge.mutate(purges)} onClose={() => { setPurges(null); purge.reset(); }}>
          <p><Name>{short(purges.name)}</Name></p>
          <p>{t("trash.purge.why", { date: date(new Date(purges.purge_at), language) })}</p>
        </Confirm>
      )}
    </div>
  );
}

/** Inside a project its name is not repeated; a digest is cut to what tells it from others. */
function shown(entry: TrashEntry, project: string): string {
  const name = project !== "" && entry.name.startsWith(`${project}/`) ? entry.name.slice(project.length + 1) : entry.name;
  return short(name);
}

const short = (name: string): string => name.replace(/sha\d+:[0-9a-f]+$/, shortDigest);

/** What has to be typed before it is purged: of a digest what the list shows of its beginning, for nobody types a whole one. */
const typed = (entry: TrashEntry): string => (entry.kind === "artifact" ? entry.name.slice(entry.name.lastIndexOf(":") + 1).slice(0, HEXES) : entry.name);

// What is stored, tagged or not?
import { Button, Menu, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Artifact } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useListState } from "../app/search.ts";
import { queries, useMay, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { shortDigest } from "../kit/format.ts";
import { Bytes, Copy, Name, Time, copyText } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { LabelChip } from "../labels/LabelChip.tsx";
import { LabelPick } from "../labels/LabelPick.tsx";
import { AddTag } from "./AddTag.tsx";
import { CopyTo } from "./CopyTo.tsx";
import { DeleteArtifacts } from "./DeleteArtifacts.tsx";
import { Measured } from "./ReclaimableSize.tsx";
import { artifactsQuery, useRepository } from "./queries.ts";
import { useType } from "./types.ts";

const named = (digest: string) => ({ digest, name: shortDigest(digest) });

export default function ArtifactsPage() {
  const t = useTranslate();
  const typed = useType();
  const { project, repository, path } = useRepository();
  const list = useListState({ sort: "-push_time" });
  const query = useQuery(artifactsQuery(path, list));
  const may = useMay(project);
  const isSignedIn = Boolean(useUser());
  const [open, setOpen] = useState<{ what: "tag" | "copy"; artifact: Artifact } | null>(null);
  const [going, setGoing] = useState<string[] | null>(null);
  const [copied, setCopied] = useState<string[] | null>(null);
  const navigate = useNavigate();
  const close = () => setOpen(null);
  const wanted = list.filters["type"];
  const types = [...new Set([...(query.data?.data ?? []).map((one) => one.type), ...(wanted === undefined ? [] : [wanted])])].sort();
  // The older one first, whatever the order of the list.
  const compare = (two: Artifact[]) => {
    const [from, to] = [...two].sort((a, b) => ((a.push_time ?? "") < (b.push_time ?? "") ? -1 : 1));
    void navigate({ to: places.compare(project, repository), search: { from: from?.digest, to: to?.digest } as never });
  };
  const columns: Column<Artifact>[] = [
    { id: "digest", head: t("artifacts.column.digest"), cell: (one) => <span className="row"><Link to={places.artifact(project, repository, one.digest)}><code title={one.digest} translate="no">{shortDigest(one.digest)}</code></Link><Copy text={one.digest} label={t("kit.copy.digest")} /></span> },
    { id: "tags", head: t("artifacts.column.tags"), cell: (one) => (one.tags?.length ? <span className="row">{one.tags.slice(0, 4).map((tag) => <Chip key={tag.id}><Name>{tag.name}</Name></Chip>)}{one.tags.length > 4 && <span className="muted small">+{one.tags.length - 4}</span>}</span> : <span className="muted">{t("artifacts.untagged")}</span>) },
    { id: "type", head: t("artifacts.column.type"), width: "fit", cell: (one) => typed(one.type) },
    { id: "labels", head: t("artifacts.fact.labels"), width: "fit", optional: true, cell: (one) => <span className="row">{one.labels?.map((label) => <LabelChip key={label.id} label={label} />)}</span> },
    { id: "size", head: t("artifacts.column.size"), width: "figure", sort: "size", descends: true, cell: (one) => <Bytes value={one.size} /> },
    { id: "pushed", head: t("artifacts.column.pushed"), width: "fit", sort: "push_time", descends: true, phone: 1, cell: (one) => <Time value={one.push_time} /> },
    { id: "pulled", head: t("artifacts.column.pulled"), width: "fit", sort: "pull_time", descends: true, phone: 0, cell: (one) => <Time value={one.pull_time} /> },
  ];
  return (
    <>
    <Table
      id="artifacts" caption={t("artifacts.list.caption", { name: repository })} columns={columns} query={query} list={list} rowKey={(one) => one.digest} rowName={(one) => shortDigest(one.digest)} filterLabel={t("artifacts.list.filter")}
      tools={
        <>
        <Select
          aria-label={t("artifacts.column.tags")} w={170} allowDeselect={false} value={list.filters["tags"] ?? "all"} onChange={(value) => list.set({ filters: { tags: value === "all" ? undefined : (value ?? undefined) } })}
          data={[{ value: "all", label: t("artifacts.list.all") }, { value: "*", label: t("artifacts.list.tagged") }, { value: "nil", label: t("artifacts.untagged") }]}
        />
        {(types.length > 1 || wanted !== undefined) && <Select aria-label={t("artifacts.column.type")} w={150} allowDeselect={false} value={wanted ?? "all"} onChange={(value) => list.set({ filters: { type: value === "all" ? undefined : (value ?? undefined) } })} data={[{ value: "all", label: t("artifacts.list.anyType") }, ...types.map((one) => ({ value: one, label: typed(one) }))]} />}
        {isSignedIn && may("label:list") && <LabelPick key={list.filters["label"] ?? ""} project={project} label={t("labels.filterBy")} all={t("labels.all")} value={list.filters["label"] ?? null} onPick={(label) => list.set({ filters: { label: label ? String(label.id) : undefined } })} />}
        </>
      }
      keys={[...(may("artifact:delete") ? ["remove" as const] : []), ...(may("artifact-addition:read") ? ["compare" as const] : [])]}
      pageOf={(at) => queries.fetchQuery(artifactsQuery(path, at))}
      menu={(one) => (
        <>
          <Menu.Item onClick={() => void copyText(one.digest)}>{t("kit.copy.digest")}</Menu.Item>
          {may("tag:create") && <Menu.Item onClick={() => setOpen({ what: "tag", artifact: one })}>{t("artifacts.addTag.open")}</Menu.Item>}
          {isSignedIn && <Menu.Item onClick={() => setOpen({ what: "copy", artifact: one })}>{t("artifacts.copyTo.open")}</Menu.Item>}
          {may("artifact:delete") && <><Menu.Divider /><Menu.Item className="danger" onClick={() => setGoing([one.digest])}>{t("artifacts.deleteArtifact.open")}</Menu.Item></>}
        </>
      )}
      bulk={(chosen) => (
        <>
          <Measured path={path} digests={chosen.map((one) => one.digest)} />
          {chosen.length === 2 && may("artifact-addition:read") && <Button size="xs" variant="default" data-compares onClick={() => compare(chosen)}>{t("compare.open")}</Button>}
          {isSignedIn && <Button size="xs" variant="default" onClick={() => setCopied(chosen.map((one) => one.digest))}>{t("artifacts.copyTo.open")}</Button>}
          {may("artifact:delete") && <Button size="xs" variant="default" data-removes onClick={() => setGoing(chosen.map((one) => one.digest))}>{t("artifacts.deleteArtifacts.open", { count: chosen.length })}</Button>}
        </>
      )}
      empty={<Empty>{t("artifacts.list.empty")}</Empty>}
    />
    {open?.what === "tag" && <AddTag path={path} digest={open.artifact.digest} of={shortDigest(open.artifact.digest)} onClose={close} />}
    {open?.what === "copy" && <CopyTo path={path} these={[named(open.artifact.digest)]} onClose={close} />}
    {copied && <CopyTo path={path} these={copied.map(named)} onClose={() => setCopied(null)} />}
    {going && <DeleteArtifacts path={path} digests={going} onClose={() => setGoing(null)} />}
    </>
  );
}

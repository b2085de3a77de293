// Which tag do I want, and how do I pull it? The page that people open most.
import { Button, Menu, Select, Tooltip } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { Label, MeasuredArtifacts, RepositoryTag } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useListState } from "../app/search.ts";
import { queries, useMay, useUser } from "../app/session.tsx";
import { Failed } from "../app/guards.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { tryEach, type Left } from "../kit/batch.ts";
import { bytes, inPlatformOrder, number, percent } from "../kit/format.ts";
import { Progress } from "../kit/Progress.tsx";
import { Refused } from "../kit/Refusals.tsx";
import { Bytes, Copy, Count, Digest, Name, Time, copyText } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { addLabel } from "../labels/ArtifactLabels.tsx";
import { LabelChip } from "../labels/LabelChip.tsx";
import { LabelPick } from "../labels/LabelPick.tsx";
import { AddTag } from "./AddTag.tsx";
import { CopyTo, once } from "./CopyTo.tsx";
import { DeleteTags } from "./DeleteTags.tsx";
import { Platforms, Signed } from "./Platforms.tsx";
import { PullCommands } from "./PullCommands.tsx";
import { PushCommands, useHost } from "./PushCommands.tsx";
import { measuredQuery, repositoryChanged, tagsQuery, useRepository } from "./queries.ts";
import { useType } from "./types.ts";

const EQUAL_SHOWN = 3;
const EQUAL_LONG = 32;

export default function TagsPage() {
  const t = useTranslate();
  const typed = useType();
  const language = useLanguage();
  const { project, repository, path } = useRepository();
  const host = useHost();
  const may = useMay(project);
  const list = useListState();
  const query = useQuery(tagsQuery(path, list));
  const [going, setGoing] = useState<string[] | null>(null);
  const [named, setNamed] = useState<RepositoryTag | null>(null);
  const [copied, setCopied] = useState<RepositoryTag[] | null>(null);
  const navigate = useNavigate();
  const isSignedIn = Boolean(useUser());
  const [unmarked, setUnmarked] = useState<Left<RepositoryTag>[]>([]);
  const [marked, setMarked] = useState(0);
  const stops = useRef(false);
  const mark = useMutation({
    mutationFn: ({ tags, label }: { tags: RepositoryTag[]; label: Label }) => {
      stops.current = false;
      setUnmarked([]);
      setMarked(0);
      return tryEach(tags, (one) => one.name, (one) => addLabel(path, one.digest, label), setMarked, () => stops.current);
    },
    onSuccess: ({ done, left }, { label }) => {
      setUnmarked(left);
      if (done.length > 0) toast(t("labels.added", { name: label.name ?? "" }));
    },
    onSettled: () => repositoryChanged(path),
  });
  const marks = mark.isPending ? mark.variables.tags.length : 0;
  const rows = query.data?.data;
  const names = (rows ?? []).map((one) => one.name);
  const own = useQuery({ ...measuredQuery(path, names), enabled: names.length > 0 && isSignedIn && may("artifact:list"), select: ownOf }).data;
  if (query.error && !query.data && list.q === "") return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const first = list.page === 1 && !list.isFiltered ? rows?.[0] : undefined;
  const wanted = list.filters["platform"];
  const platforms = inPlatformOrder([...new Set([...(rows ?? []).flatMap((one) => one.platforms.map((platform) => platform.name)), ...(wanted === undefined ? [] : [wanted])])]);
  const name = `${host}/${project}/${repository}`;
  // The older one first, whatever the order of the list.
  const compare = (two: RepositoryTag[]) => {
    const [from, to] = [...two].sort((a, b) => (a.push_time < b.push_time ? -1 : 1));
    void navigate({ to: places.compare(project, repository), search: { from: from?.name, to: to?.name } as never });
  };
  const columns: Column<RepositoryTag>[] = [
    { id: "name", head: t("artifacts.column.tag"), sort: "name", cell: (one) => <span className="row"><Link to={places.tag(project, repository, one.name)}><Name>{one.name}</Name></Link><Copy text={`${name}:${one.name}`} label={t("artifacts.copyReference", { tag: one.name })} />{one.immutable_rule && <Tooltip label={t("artifacts.immutable.by", { rule: one.immutable_rule.pattern })}><span tabIndex={0} role="img" aria-label={t("artifacts.immutable.by", { rule: one.immutable_rule.pattern })}><IconLock size={14} stroke={1.5} /></span></Tooltip>}<Equal tag={one} /></span> },
    { id: "platforms", head: t("artifacts.column.platforms"), width: "fit", cell: (one) => <Platforms names={one.platforms.map((platform) => platform.name)} /> },
    { id: "size", head: t("artifacts.column.size"), width: "figure", sort: "size", descends: true, cell: (one) => <Size tag={one} own={own?.get(one.name)} /> },
    { id: "signed", head: t("artifacts.column.signed"), width: "fit", cell: (one) => <Signed own={one.signature} inherited={one.inherited_signature} /> },
    { id: "pushed", head: t("artifacts.column.pushed"), width: "fit", sort: "push_time", descends: true, phone: 1, cell: (one) => <Time value={one.push_time} /> },
    { id: "pulled", head: t("artifacts.column.pulled"), width: "fit", sort: "pull_time", descends: true, phone: 0, cell: (one) => <Time value={one.pull_time} /> },
    { id: "digest", head: t("artifacts.column.digest"), width: "fit", optional: true, cell: (one) => <Digest value={one.digest} /> },
    { id: "pulls", head: t("artifacts.column.pulls"), width: "figure", optional: true, cell: (one) => <Count value={one.pull_count} /> },
    { id: "type", head: t("artifacts.column.type"), width: "fit", sort: "type", optional: true, cell: (one) => typed(one.type) },
    { id: "labels", head: t("artifacts.fact.labels"), width: "fit", optional: true, cell: (one) => <span className="row">{one.labels.map((label) => <LabelChip key={label.id} label={label} />)}</span> },
  ];
  const mayDelete = may("tag:delete");
  const mayLabel = may("artifact-label:create");
  const mayFilter = isSignedIn && may("label:list");
  return (
    <div className="sections">
      {first && <PullCommands project={project} repository={repository} tag={first.name} digest={first.digest} type={first.type} />}
      {unmarked.length > 0 && <Refused title={t("labels.left", { count: unmarked.length })} left={unmarked} />}
      <Table
        id="tags" caption={t("artifacts.tags.caption", { name: repository })} columns={columns} query={query} list={list} rowKey={(one) => one.name} rowDigest={(one) => one.digest} rowName={(one) => one.name} filterLabel={t("artifacts.tags.filter")}
        noMatch={(q, count) => t("artifacts.tags.noMatch", { q, count })}
        tools={
          <>
          <Select
            aria-label={t("artifacts.column.signed")} w={150} allowDeselect={false} value={list.filters["signed"] ?? "all"} onChange={(value) => list.set({ filters: { signed: value === "all" ? undefined : (value ?? undefined) } })}
            data={[{ value: "all", label: t("artifacts.signed.all") }, { value: "true", label: t("artifacts.signed.only") }, { value: "false", label: t("artifacts.signed.not") }]}
          />
          {(platforms.length > 1 || wanted !== undefined) && (
            <Select aria-label={t("artifacts.column.platforms")} w={150} allowDeselect={false} value={wanted ?? "all"} onChange={(value) => list.set({ filters: { platform: value === "all" ? undefined : (value ?? undefined) } })} data={[{ value: "all", label: t("artifacts.platformsAll") }, ...platforms]} />
          )}
          {mayFilter && <LabelPick key={list.filters["label"] ?? ""} project={project} label={t("labels.filterBy")} all={t("labels.all")} value={list.filters["label"] ?? null} onPick={(label) => list.set({ filters: { label: label ? String(label.id) : undefined } })} />}
          </>
        }
        keys={[...(mayDelete ? ["remove" as const] : []), ...(may("artifact-addition:read") ? ["compare" as const] : [])]}
        pageOf={(at) => queries.fetchQuery(tagsQuery(path, at))}
        details={(one) => <Details tag={one} />}
        menu={(one) => (
          <>
            <Menu.Item onClick={() => void copyText(`${name}:${one.name}`)}>{t("artifacts.copyReference", { tag: one.name })}</Menu.Item>
            <Menu.Item onClick={() => void copyText(one.digest)}>{t("kit.copy.digest")}</Menu.Item>
            <Menu.Item {...({ component: Link, to: places.history(project, repository), search: { "f.tag": one.name } } as object)}>{t("history.only", { tag: one.name })}</Menu.Item>
            {may("tag:create") && <Menu.Item onClick={() => setNamed(one)}>{t("artifacts.addTag.open")}</Menu.Item>}
            {isSignedIn && <Menu.Item onClick={() => setCopied([one])}>{t("artifacts.copyTo.open")}</Menu.Item>}
            {may("artifact-addition:read") && <Menu.Item {...({ component: Link, to: places.compare(project, repository), search: { from: one.name } } as object)}>{t("compare.with")}</Menu.Item>}
            {mayDelete && <><Menu.Divider /><Menu.Item className="danger" onClick={() => setGoing([one.name])}>{t("artifacts.deleteTags.open", { count: 1 })}</Menu.Item></>}
          </>
        )}
        bulk={(chosen) => (
          <>
            {chosen.length === 2 && may("artifact-addition:read") && <Button size="xs" variant="default" data-compares onClick={() => compare(chosen)}>{t("compare.open")}</Button>}
            {isSignedIn && <Button size="xs" variant="default" onClick={() => setCopied(chosen)}>{t("artifacts.copyTo.open")}</Button>}
            {mayLabel && <LabelPick project={project} label={t("labels.add")} onPick={(label) => label && mark.mutate({ tags: once(chosen), label })} />}
            {marks > 1 && <><Progress part={marked / marks} label={t("labels.add")} text={t("work.of", { done: number(marked, language), total: number(marks, language) })} /><Button size="xs" variant="subtle" onClick={() => { stops.current = true; }}>{t("work.stop")}</Button></>}
            {mayDelete && <Button size="xs" variant="default" data-removes onClick={() => setGoing(chosen.map((one) => one.name))}>{t("artifacts.deleteTags.open", { count: chosen.length })}</Button>}
          </>
        )}
        empty={may("repository:push") ? <Empty action={<PushCommands project={project} repository={repository} />}>{t("artifacts.tags.empty")}</Empty> : <Empty>{t("artifacts.tags.emptyReader")}</Empty>}
      />
      {named && <AddTag path={path} digest={named.digest} of={named.name} onClose={() => setNamed(null)} />}
      {copied && <CopyTo path={path} these={once(copied)} onClose={() => setCopied(null)} />}
      {going && <DeleteTags path={path} tags={going} onClose={() => setGoing(null)} />}
    </div>
  );
}

/** By tag: how many bytes come back if its artifact goes, and how many others hold too. */
const ownOf = (found: MeasuredArtifacts) => new Map(found.each.map((one) => [one.reference, { own: one.own, shared: one.shared_here + one.shared_elsewhere }]));

/** What it takes to pull it, and how much of that nothing else holds. */
function Size({ tag, own }: { tag: RepositoryTag; own: { own: number; shared: number } | undefined }) {
  const t = useTranslate();
  const language = useLanguage();
  if (own === undefined) return <Bytes value={tag.size} />;
  const said = t("kit.own.said", { own: bytes(own.own, language), shared: bytes(own.shared, language), share: percent(own.own / Math.max(1, own.own + own.shared), language) });
  return <><Bytes value={tag.size} /> <span className="muted figures" title={said} aria-hidden>· {t("kit.own.short", { own: bytes(own.own, language) })}</span><span className="hidden">{said}</span></>;
}

/** Other tags of the same artifact: three by name, the others counted. */
function Equal({ tag }: { tag: RepositoryTag }) {
  const t = useTranslate();
  if (tag.equal_count === 0) return null;
  const shown = tag.equal_tags.slice(0, EQUAL_SHOWN).map((name) => (name.length > EQUAL_LONG ? `${name.slice(0, 18)}…${name.slice(-10)}` : name));
  const rest = tag.equal_count - shown.length;
  const said = `${shown.join(", ")}${rest > 0 ? ` +${rest}` : ""}`;
  return <><span className="muted small" translate="no" title={tag.equal_tags.join(", ")} aria-hidden>= {said}</span><span className="hidden">{t("artifacts.equal", { tags: said })}</span></>;
}

function Details({ tag }: { tag: RepositoryTag }) {
  const t = useTranslate();
  const typed = useType();
  return (
    <Facts
      rows={[
        [t("artifacts.column.digest"), <Digest key="d" value={tag.digest} />],
        [t("artifacts.column.type"), typed(tag.type)],
        [t("artifacts.fact.pushedBy"), tag.pushed_by ? <Name>{tag.pushed_by}</Name> : null],
        [t("artifacts.column.pulls"), <Count key="p" value={tag.pull_count} />],
        [t("artifacts.fact.accessories"), tag.accessories.length ? tag.accessories.map((one) => `${one.type} ${one.count}`).join(", ") : null],
        [t("artifacts.fact.labels"), tag.labels.length ? <span className="row">{tag.labels.map((label) => <LabelChip key={label.id} label={label} />)}</span> : null],
        [t("artifacts.fact.immutable"), tag.immutable_rule ? t("artifacts.immutable.by", { rule: tag.immutable_rule.pattern }) : null],
      ]}
    />
  );
}

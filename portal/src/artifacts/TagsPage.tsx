// Which tag do I want, and how do I pull it? The page that people open most.
import { Menu, Select, Tooltip } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { RepositoryTag } from "../api/schema.ts";
import { places } from "../app/places.ts";
import { useListState } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { Failed } from "../app/states.tsx";
import { useWords } from "../app/words.ts";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { Bytes, Copy, Count, Digest, Name, Time, copyText } from "../kit/show.tsx";
import { Table, type Column } from "../kit/Table.tsx";
import { DeleteTags } from "./DeleteTags.tsx";
import { Platforms, Signed } from "./Platforms.tsx";
import { PullCommands } from "./PullCommands.tsx";
import { PushCommands, useHost } from "./PushCommands.tsx";
import { tagsQuery, useRepository } from "./queries.ts";
import { Button } from "@mantine/core";

const EQUAL_SHOWN = 3;

export default function TagsPage() {
  const t = useWords();
  const { project, repository, path } = useRepository();
  const host = useHost();
  const may = useMay(project);
  const list = useListState();
  const query = useQuery(tagsQuery(path, list));
  const [going, setGoing] = useState<string[] | null>(null);
  if (query.error && !query.data && list.q === "") return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const rows = query.data?.data;
  const first = list.page === 1 && !list.isFiltered ? rows?.[0] : undefined;
  const name = `${host}/${project}/${repository}`;
  const columns: Column<RepositoryTag>[] = [
    { id: "name", head: t("artifacts.column.tag"), sort: "name", cell: (one) => <span className="row"><Link to={places.tag(project, repository, one.name)}><Name>{one.name}</Name></Link><Copy text={`${name}:${one.name}`} label={t("artifacts.copyReference", { tag: one.name })} />{one.immutable_rule && <Tooltip label={t("artifacts.immutable.by", { rule: one.immutable_rule.pattern })}><span tabIndex={0} role="img" aria-label={t("artifacts.immutable.by", { rule: one.immutable_rule.pattern })}><IconLock size={14} stroke={1.5} /></span></Tooltip>}<Equal tag={one} /></span> },
    { id: "platforms", head: t("artifacts.column.platforms"), width: "fit", cell: (one) => <Platforms names={one.platforms.map((platform) => platform.name)} /> },
    { id: "size", head: t("artifacts.column.size"), width: "figure", sort: "size", descends: true, cell: (one) => <Bytes value={one.size} /> },
    { id: "signed", head: t("artifacts.column.signed"), width: "fit", cell: (one) => <Signed own={one.signature} inherited={one.inherited_signature} /> },
    { id: "pushed", head: t("artifacts.column.pushed"), width: "fit", sort: "push_time", descends: true, phone: 1, cell: (one) => <Time value={one.push_time} /> },
    { id: "pulled", head: t("artifacts.column.pulled"), width: "fit", sort: "pull_time", descends: true, phone: 0, cell: (one) => <Time value={one.pull_time} /> },
    { id: "digest", head: t("artifacts.column.digest"), width: "fit", optional: true, cell: (one) => <Digest value={one.digest} /> },
    { id: "pulls", head: t("artifacts.column.pulls"), width: "figure", optional: true, cell: (one) => <Count value={one.pull_count} /> },
    { id: "type", head: t("artifacts.column.type"), width: "fit", sort: "type", optional: true, cell: (one) => one.type },
  ];
  const mayDelete = may("tag:delete");
  return (
    <div className="sections">
      {first && <PullCommands project={project} repository={repository} tag={first.name} digest={first.digest} type={first.type} />}
      <Table
        id="tags" caption={t("artifacts.tags.caption", { name: repository })} columns={columns} query={query} list={list} rowKey={(one) => one.name} rowName={(one) => one.name} filterLabel={t("artifacts.tags.filter")}
        tools={
          <Select
            aria-label={t("artifacts.column.signed")} w={150} allowDeselect={false} value={list.filters["signed"] ?? "all"} onChange={(value) => list.set({ filters: { signed: value === "all" ? undefined : (value ?? undefined) } })}
            data={[{ value: "all", label: t("artifacts.signed.all") }, { value: "true", label: t("artifacts.signed.only") }, { value: "false", label: t("artifacts.signed.not") }]}
          />
        }
        details={(one) => <Details tag={one} />}
        menu={(one) => (
          <>
            <Menu.Item onClick={() => void copyText(`${name}:${one.name}`)}>{t("artifacts.copyReference", { tag: one.name })}</Menu.Item>
            <Menu.Item onClick={() => void copyText(one.digest)}>{t("kit.copy.digest")}</Menu.Item>
            <Menu.Item {...({ component: Link, to: places.history(project, repository), search: { "f.tag": one.name } } as object)}>{t("history.only", { tag: one.name })}</Menu.Item>
            {mayDelete && <><Menu.Divider /><Menu.Item className="danger" onClick={() => setGoing([one.name])}>{t("artifacts.deleteTags.open", { count: 1 })}</Menu.Item></>}
          </>
        )}
        {...(mayDelete ? { bulk: (chosen: RepositoryTag[]) => <Button size="xs" variant="default" onClick={() => setGoing(chosen.map((one) => one.name))}>{t("artifacts.deleteTags.open", { count: chosen.length })}</Button> } : {})}
        empty={may("repository:push") ? <Empty action={<PushCommands project={project} repository={repository} />}>{t("artifacts.tags.empty")}</Empty> : <Empty>{t("artifacts.tags.emptyReader")}</Empty>}
      />
      {going && <DeleteTags path={path} tags={going} onClose={() => setGoing(null)} />}
    </div>
  );
}

/** Other tags of the same artifact: three by name, the others counted. */
function Equal({ tag }: { tag: RepositoryTag }) {
  if (tag.equal_count === 0) return null;
  const shown = tag.equal_tags.slice(0, EQUAL_SHOWN);
  const rest = tag.equal_count - shown.length;
  return <span className="muted small" translate="no" title={tag.equal_tags.join(", ")}>= {shown.join(", ")}{rest > 0 ? ` +${rest}` : ""}</span>;
}

function Details({ tag }: { tag: RepositoryTag }) {
  const t = useWords();
  return (
    <Facts
      rows={[
        [t("artifacts.column.digest"), <Digest key="d" value={tag.digest} />],
        [t("artifacts.column.type"), tag.type],
        [t("artifacts.fact.pushedBy"), tag.pushed_by ? <Name>{tag.pushed_by}</Name> : null],
        [t("artifacts.column.pulls"), <Count key="p" value={tag.pull_count} />],
        [t("artifacts.fact.accessories"), tag.accessories.length ? tag.accessories.map((one) => `${one.type} ${one.count}`).join(", ") : null],
        [t("artifacts.fact.immutable"), tag.immutable_rule ? t("artifacts.immutable.by", { rule: tag.immutable_rule.pattern }) : null],
      ]}
    />
  );
}

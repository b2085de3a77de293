// What happened to these tags, and can I go back?
import { Button, Menu, TextInput } from "@mantine/core";
import { IconArrowBackUp, IconCheck, IconHistory, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { RepositoryPast } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useListState, useSearch } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { useRepository } from "./queries.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { dateTime, shortDigest, timeOf } from "../kit/format.ts";
import { Copy, Name, Time, copyText } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { PointBack } from "./PointBack.tsx";
import classes from "./history.module.css";
import { historyQuery } from "./tagHistory.ts";

export default function HistoryPage() {
  const t = useTranslate();
  const { project, repository, path } = useRepository();
  const may = useMay(project);
  const [search, change] = useSearch();
  const at = timeOf(search["at"])?.toISOString();
  const list = useListState({ sort: at ? "name" : "-since" });
  const query = useQuery(historyQuery(path, list, at));
  const [back, setBack] = useState<RepositoryPast | null>(null);
  const tag = list.filters["tag"];
  const mayPoint = may("repository:push");
  const canGoBack = (one: RepositoryPast) => mayPoint && one.ended_by !== null && (one.kept === "here" || (one.trash_id !== null && may("tag:delete")));
  // A moment later than it began: the API's times are cut to milliseconds.
  const asOf = (one: RepositoryPast) => change({ at: new Date(new Date(one.since).getTime() + 1).toISOString(), sort: undefined, page: undefined, q: undefined, "f.tag": undefined }, { replace: false });
  const columns: Column<RepositoryPast>[] = [
    { id: "name", head: t("artifacts.column.tag"), sort: "name", cell: (one) => <span className="row">{one.ended_by === null ? <Link to={places.tag(project, repository, one.name)}><Name>{one.name}</Name></Link> : <Name>{one.name}</Name>}</span> },
    { id: "digest", head: t("artifacts.column.digest"), width: "fit", cell: (one) => <Kept past={one} to={places.artifact(project, repository, one.digest)} /> },
    { id: "since", head: t("history.column.since"), width: "fit", sort: "since", descends: true, cell: (one) => <Time value={one.since} /> },
    { id: "until", head: t("history.column.until"), width: "fit", sort: "until", descends: true, cell: (one) => <Ended past={one} /> },
    { id: "by", head: t("history.column.by"), width: "fit", cell: (one) => (one.by ? <Name>{one.by}</Name> : <span className="muted">{t("history.nobody")}</span>) },
  ];
  return (
    <div className="stack">
      {at && <Then at={at} onNow={() => change({ at: undefined, sort: undefined, page: undefined }, { replace: false })} />}
      <Table
        id="history" caption={t("history.caption", { name: repository })} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => `${one.name} ${shortDigest(one.digest)}`}
        {...(tag === undefined ? { filterLabel: t("artifacts.tags.filter") } : {})}
        tools={
          <>
            {tag !== undefined && <Chip tone="accent" remove={t("kit.table.clearFilter")} onRemove={() => list.set({ filters: { tag: undefined } })}><Name>{tag}</Name></Chip>}
            <AsOf at={at} onChange={(value) => change({ at: value, sort: undefined, page: undefined }, { replace: false })} />
          </>
        }
        menu={(one) => (
          <>
            {canGoBack(one) && <Menu.Item leftSection={<IconArrowBackUp size={16} stroke={1.5} />} onClick={() => setBack(one)}>{t("history.back.open", { tag: one.name })}</Menu.Item>}
            {tag === undefined && <Menu.Item leftSection={<IconHistory size={16} stroke={1.5} />} onClick={() => change({ at: undefined, sort: undefined, page: undefined, q: undefined, "f.tag": one.name }, { replace: false })}>{t("history.only", { tag: one.name })}</Menu.Item>}
            {one.ended_by === "moved" && one.kept === "here" && may("artifact-addition:read") && <Menu.Item {...({ component: Link, to: places.compare(project, repository), search: { from: one.digest, to: one.name } } as object)}>{t("history.compare")}</Menu.Item>}
            {!at && <Menu.Item onClick={() => asOf(one)}>{t("history.then")}</Menu.Item>}
            <Menu.Item onClick={() => void copyText(one.digest)}>{t("kit.copy.digest")}</Menu.Item>
          </>
        )}
        empty={<Empty>{at ? t("history.emptyThen") : t("history.empty")}</Empty>}
      />
      {back && <PointBack path={path} past={back} onClose={() => setBack(null)} />}
    </div>
  );
}

/** The band of a page that shows the past. */
function Then({ at, onNow }: { at: string; onNow: () => void }) {
  const t = useTranslate();
  const language = useLanguage();
  return (
    <div className={classes["then"]} role="status">
      <IconHistory size={16} stroke={1.5} aria-hidden />
      <span className={classes["said"]}>{t("history.asOfSaid", { time: dateTime(new Date(at), language) })}</span>
      <Button size="xs" variant="default" onClick={onNow}>{t("history.now")}</Button>
    </div>
  );
}

/** A date and a time of the reader's zone; it counts as soon as both are whole. */
function AsOf({ at, onChange }: { at: string | undefined; onChange: (at: string) => void }) {
  const t = useTranslate();
  const [text, setText] = useState(local(at));
  useEffect(() => setText(local(at)), [at]);
  const pick = (value: string) => {
    setText(value);
    const year = Number(value.slice(0, 4));
    if (value && year > 2000 && value !== local(at)) onChange(new Date(value).toISOString());
  };
  return (
    <label className="row">
      <span className="muted">{t("history.asOf")}</span>
      <TextInput type="datetime-local" step={1} w={240} className={classes["moment"] ?? ""} leftSection={<IconHistory size={16} stroke={1.5} aria-hidden />} value={text} onChange={(event) => pick(event.currentTarget.value)} />
    </label>
  );
}

/** A moment as a field for date and time wants it, in the reader's zone. */
function local(at: string | undefined): string {
  const time = timeOf(at);
  return time === null ? "" : new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function Kept({ past, to }: { past: RepositoryPast; to: string }) {
  const t = useTranslate();
  const said = <code title={past.digest} translate="no">{shortDigest(past.digest)}</code>;
  return (
    <span className="row">
      {past.kept === "here" ? <Link to={to}>{said}</Link> : said}
      <Copy text={past.digest} label={t("kit.copy.digest")} />
      {past.kept === "trash" && <Chip tone="warn" icon={IconTrash}>{t("history.kept.trash")}</Chip>}
      {past.kept === "gone" && <Chip title={t("history.kept.goneWhy")}>{t("history.kept.gone")}</Chip>}
    </span>
  );
}

function Ended({ past }: { past: RepositoryPast }) {
  const t = useTranslate();
  if (past.ended_by === null) return <span className="row"><Chip tone="ok" icon={IconCheck}>{t("history.ended.not")}</Chip></span>;
  return <span className="row"><Time value={past.until} /><Chip tone={past.ended_by === "deleted" ? "danger" : "plain"}>{past.ended_by === "deleted" ? t("history.ended.deleted") : t("history.ended.moved")}</Chip></span>;
}

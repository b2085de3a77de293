// Who did what, from where?
import { Button, Select, Switch, TextInput } from "@mantine/core";
import { IconCheck, IconChevronLeft, IconChevronRight, IconDownload, IconUser, IconX } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { AuditEntryOut } from "../api/schema.ts";
import { useListState, useSearch } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { fullTime, number, timeOf } from "../kit/format.ts";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Copy, Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { Acted, useEvent } from "./events.tsx";
import { exportAudit, MOST } from "./csv.ts";
import { auditFilter, auditQuery, eventsQuery } from "./queries.ts";

/** The same in every language. */
const EXAMPLE = "who:alice op:delete kind:tag from:10.2.0.14 result:refused after:2026-03-01";

export default function AuditPage() {
  const t = useTranslate();
  const list = useListState();
  const [search, change] = useSearch();
  const at = /^(older|newer)\./.test(search["page"] ?? "") ? (search["page"] as string) : "";
  const asked = { what: list.q, who: list.filters["who"] ?? "", event: list.filters["event"] ?? "", result: list.filters["result"] ?? "", days: list.filters["days"] ?? "", at };
  const live = search["live"] === "1" && at === "";
  const query = useQuery(auditQuery(asked, live));
  const save = useMutation({ mutationFn: () => exportAudit(auditFilter(asked)), onSuccess: (count) => toast(t("audit.export.done", { count })) });
  const said = useEvent();
  const language = useLanguage();
  const collator = new Intl.Collator(language);
  const events = (useQuery(eventsQuery).data ?? []).map((value) => ({ value, label: said(value) })).sort((one, other) => collator.compare(one.label, other.label));
  const choose = (name: string) => (value: string | null) => list.set({ filters: { [name]: value === "all" ? undefined : (value ?? undefined) } });
  const columns: Column<AuditEntryOut>[] = [
    { id: "time", head: t("audit.column.time"), width: "fit", cell: (one) => <Time value={one.op_time} /> },
    { id: "who", head: t("audit.column.who"), width: "fit", cell: (one) => (one.username ? <Name>{one.username}</Name> : <span className="muted">{t("audit.nobody")}</span>) },
    { id: "event", head: t("audit.column.event"), width: "fit", cell: (one) => <span title={one.event_type}>{said(one.event_type)}</span> },
    { id: "what", head: t("audit.column.what"), cell: (one) => <span className="row"><Acted entry={one} />{one.repeats > 1 && <Chip title={t("audit.repeats")}>× {one.repeats}</Chip>}</span> },
    { id: "from", head: t("audit.column.from"), width: "fit", phone: 0, cell: (one) => <span translate="no">{one.address || "–"}</span> },
    { id: "result", head: t("audit.column.result"), width: "fit", phone: 1, cell: (one) => (one.operation_result ? <Chip tone="ok" icon={IconCheck}>{t("audit.done")}</Chip> : <Chip tone="danger" icon={IconX}>{t("audit.refused")}</Chip>) },
  ];
  return (
    <Page title={t("audit.title")} actions={<><Switch label={t("audit.live")} checked={live} disabled={at !== ""} onChange={(event) => change({ live: event.currentTarget.checked ? "1" : undefined })} /><Button variant="default" leftSection={<IconDownload size={16} stroke={1.5} aria-hidden />} onClick={() => save.mutate()} loading={save.isPending} title={t("audit.export.what", { n: number(MOST, language) })}>{t("audit.export.action")}</Button><Button component={Link} {...({ to: "/admin/audit/purge" } as object)} variant="default">{t("audit.purge.open")}</Button></>}>
      {save.error && <ProblemBox error={save.error} />}
      <Table
        id="audit" caption={t("audit.title")} columns={columns} query={query} list={list} whole rowKey={(one) => one.id} rowName={(one) => `${said(one.event_type)} ${one.resource}`} filterLabel={t("audit.filter")} details={(one) => <Details entry={one} />}
        empty={<Empty>{t("audit.empty")}</Empty>}
        tools={
          <>
            <Who value={list.filters["who"] ?? ""} onChange={(who) => list.set({ filters: { who: who || undefined } })} />
            <Select aria-label={t("audit.column.event")} w={190} searchable allowDeselect={false} value={list.filters["event"] ?? "all"} onChange={choose("event")} data={[{ value: "all", label: t("audit.anyEvent") }, ...events]} />
            <Select aria-label={t("audit.column.result")} w={125} allowDeselect={false} value={list.filters["result"] ?? "all"} onChange={choose("result")} data={[{ value: "all", label: t("audit.anyResult") }, { value: "true", label: t("audit.done") }, { value: "false", label: t("audit.refused") }]} />
            <Select aria-label={t("audit.since")} w={140} allowDeselect={false} value={list.filters["days"] ?? "all"} onChange={choose("days")} data={[{ value: "all", label: t("audit.anyTime") }, ...[1, 7, 30, 90].map((days) => ({ value: String(days), label: t("audit.lastDays", { count: days }) }))]} />
          </>
        }
      />
      <p className="small muted" data-no-print>{t("audit.words")} <code translate="no">{EXAMPLE}</code></p>
      <nav className="row" aria-label={t("audit.pages")} data-no-print>
        <Button size="xs" variant="default" leftSection={<IconChevronLeft size={16} stroke={1.5} aria-hidden />} disabled={at === ""} onClick={() => change({ page: query.data?.newer && query.data.data.length > 0 ? `newer.${query.data.newer}` : undefined }, { replace: false })}>{t("audit.newer")}</Button>
        <Button size="xs" variant="default" rightSection={<IconChevronRight size={16} stroke={1.5} aria-hidden />} disabled={!query.data?.isFull} onClick={() => change({ page: `older.${query.data?.older ?? ""}` }, { replace: false })}>{t("audit.older")}</Button>
        {at !== "" && <Button size="xs" variant="subtle" onClick={() => change({ page: undefined }, { replace: false })}>{t("audit.newest")}</Button>}
      </nav>
    </Page>
  );
}

/** A name is asked for after a moment of rest. */
function Who({ value, onChange }: { value: string; onChange: (who: string) => void }) {
  const t = useTranslate();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => onChange(text), 250);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return <TextInput aria-label={t("audit.column.who")} placeholder={t("audit.column.who")} w={130} type="search" autoComplete="off" spellCheck={false} leftSection={<IconUser size={16} stroke={1.5} aria-hidden />} value={text} onChange={(event) => setText(event.currentTarget.value)} />;
}

/** All that is known of one act: what it was done with, and before and after. */
function Details({ entry }: { entry: AuditEntryOut }) {
  const t = useTranslate();
  const language = useLanguage();
  const time = timeOf(entry.op_time);
  const detail = Object.entries(entry.detail);
  return (
    <Facts
      rows={[
        [t("audit.column.time"), time ? fullTime(time, language) : null],
        [t("audit.column.event"), <code key="event" translate="no">{entry.event_type}</code>],
        [t("audit.credential"), entry.credential],
        [t("audit.column.from"), entry.address],
        [t("audit.request"), entry.request_id ? <span key="r" className="row"><code translate="no">{entry.request_id}</code><Copy text={entry.request_id} label={t("problems.copyRequest")} /></span> : null],
        [t("audit.repeats"), entry.repeats > 1 ? number(entry.repeats, language) : null],
        ...detail.map(([name, value]): [string, React.ReactNode] => [name, <code key={name} translate="no">{typeof value === "string" ? value : JSON.stringify(value)}</code>]),
      ]}
    />
  );
}

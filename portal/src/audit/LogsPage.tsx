// Who did this, in this project?
import { Menu, Select } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { AuditLogExt } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Acted, useEvent } from "./events.tsx";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { fullTime, timeOf } from "../kit/format.ts";
import { Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { logsQuery } from "./projectLog.ts";

const DAYS = [1, 7, 30, 90];
const eventOf = (one: AuditLogExt) => `${one.operation}_${one.resource_type}`;

export default function LogsPage() {
  const t = useTranslate();
  const { project } = useParams({ strict: false }) as { project: string };
  const list = useListState({ sort: "-op_time" });
  const said = useEvent();
  const query = useQuery(logsQuery(project, list));
  const who = list.filters["who"];
  const choose = (name: string) => (value: string | null) => list.set({ filters: { [name]: value === "all" ? undefined : (value ?? undefined) } });
  const columns: Column<AuditLogExt>[] = [
    { id: "time", head: t("logs.column.time"), width: "fit", sort: "op_time", descends: true, cell: (one) => <Time value={one.op_time} /> },
    { id: "who", head: t("logs.column.who"), width: "fit", cell: (one) => (one.username ? <Name>{one.username}</Name> : <span className="muted">{t("logs.nobody")}</span>) },
    { id: "did", head: t("logs.column.did"), width: "fit", cell: (one) => <span title={eventOf(one)}>{said(eventOf(one))}</span> },
    { id: "what", head: t("logs.column.what"), cell: (one) => <Acted entry={one} /> },
    { id: "result", head: t("logs.column.result"), width: "fit", cell: (one) => <span className="row">{one.operation_result ? <Chip tone="ok" icon={IconCheck}>{t("logs.done")}</Chip> : <Chip tone="danger" icon={IconX}>{t("logs.refused")}</Chip>}</span> },
  ];
  return (
    <Table
      id="logs" caption={t("logs.caption", { name: project })} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => `${said(eventOf(one))} ${one.resource}`} filterLabel={t("logs.filter")}
      tools={
        <>
          {who !== undefined && <Chip tone="accent" remove={t("kit.table.clearFilter")} onRemove={() => list.set({ filters: { who: undefined } })}><Name>{who}</Name></Chip>}
          <Select aria-label={t("logs.column.result")} w={150} allowDeselect={false} value={list.filters["result"] ?? "all"} onChange={choose("result")} data={[{ value: "all", label: t("logs.anyResult") }, { value: "true", label: t("logs.done") }, { value: "false", label: t("logs.refused") }]} />
          <Select aria-label={t("logs.since")} w={150} allowDeselect={false} value={list.filters["days"] ?? "all"} onChange={choose("days")} data={[{ value: "all", label: t("logs.anyTime") }, ...DAYS.map((days) => ({ value: String(days), label: t("logs.lastDays", { count: days }) }))]} />
        </>
      }
      details={(one) => <Details entry={one} />}
      menu={(one) => (one.username && one.username !== who ? <Menu.Item onClick={() => list.set({ filters: { who: one.username } })}>{t("logs.only", { name: one.username })}</Menu.Item> : null)}
      empty={<Empty>{t("logs.empty")}</Empty>}
    />
  );
}

/** The same in the server's words, with the whole time. */
function Details({ entry }: { entry: AuditLogExt }) {
  const t = useTranslate();
  const language = useLanguage();
  const time = timeOf(entry.op_time);
  return <Facts rows={[[t("logs.column.time"), time ? fullTime(time, language) : null], [t("logs.column.did"), entry.operation_description ? <bdi key="did">{entry.operation_description}</bdi> : null]]} />;
}

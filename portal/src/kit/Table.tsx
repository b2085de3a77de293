// The one table: the server sorts, filters and pages; the address has the state; empty, failed and denied are states of its body.
import { ActionIcon, Button, Checkbox, Menu, Select, TextInput } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconCheck, IconChevronDown, IconChevronLeft, IconChevronRight, IconColumns3, IconDots, IconGripVertical, IconSearch, IconSelector } from "@tabler/icons-react";
import { Fragment, Suspense, useEffect, useId, useRef, useState, type ReactNode } from "react";
import type { ListState } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Empty } from "./Empty.tsx";
import { number } from "./format.ts";
import { ProblemBox } from "./ProblemBox.tsx";
import { say } from "./announcer.ts";
import { keepRows, readColumns, useColumns, type Column } from "./columns.ts";
import { lazyPart } from "./lazyPart.ts";
import { Copy, Dated, isDated } from "./values.tsx";
import { useTyped } from "./filterInput.ts";
import classes from "./table.module.css";

const Every = lazyPart(() => import("./SelectAll.tsx")) as unknown as typeof import("./SelectAll.tsx").default;

export interface Listed<T> {
  data: { data: T[]; total: number | undefined } | undefined;
  error: unknown;
  isFetching: boolean;
  /** The rows are those of before, and stay until the next ones are here. */
  isPlaceholderData?: boolean;
  refetch: () => unknown;
}

export interface TableProps<T> {
  /** Names the table and the place where its columns are kept. */
  id: string;
  caption: string;
  /** Whether the caption stands above it as a heading, in the line of its tools. */
  isHeaded?: boolean;
  columns: Column<T>[];
  query: Listed<T>;
  list: ListState;
  rowKey: (row: T) => string | number;
  /** The digest of what a row shows, for the key that copies it where no column has it. */
  rowDigest?: (row: T) => string;
  /** What the row is called, for the labels of its checkbox and menu. */
  rowName: (row: T) => string;
  /** Shown instead of rows when nothing is there at all. */
  empty: ReactNode;
  /** What is said when the words of the filter match none of so many. */
  noMatch?: (q: string, all: number) => string;
  /** The label of the field that filters by words; none: no field. */
  filterLabel?: string;
  /** More filters and buttons, in the line above. */
  tools?: ReactNode;
  /** Entries of a row's menu (`Menu.Item`), or null. */
  menu?: (row: T) => ReactNode;
  /** What can be done with chosen rows; with it rows can be chosen. */
  bulk?: (rows: T[], clear: () => void) => ReactNode;
  /** Asks another page of the same list: with it all that match can be chosen, not only those of a page. */
  pageOf?: (list: ListState) => Promise<{ data: T[] }>;
  /** What keys do with chosen rows: `bulk` has a button that `data-removes`, or one that `data-compares`. */
  keys?: ("remove" | "compare")[];
  /** What opens below a row. */
  details?: (row: T) => ReactNode;
  /** No paging: the list is whole. */
  whole?: boolean;
}

/** The row that the address opens: `?panel=<its key>`, as links to a line of a log have it. */
const linkedPanel = (): ReadonlySet<string> => new Set(new URLSearchParams(location.search).getAll("panel"));

export function Table<T>(props: TableProps<T>) {
  const { id, caption, query, list, rowKey, rowName, menu, bulk, details, whole } = props;
  const t = useTranslate();
  const [chosen, setChosen] = useState<ReadonlyMap<string | number, T>>(new Map());
  const [isWide, setWide] = useState(false); // all that match are chosen, on whatever page
  const [open, setOpen] = useState<ReadonlySet<string>>(linkedPanel); // rows by their keys
  const last = useRef<string | number | null>(null);
  const columns = useColumns(id, props.columns, list.cols, list.unlink);
  const { shown } = columns;
  const rows = query.data?.data;
  const total = query.data?.total;
  const setPicked = (next: ReadonlyMap<string | number, T>, wide = isWide && next.size > 0) => {
    setChosen(next);
    setWide(wide);
  };
  const clear = () => setPicked(new Map());
  // What has gone meanwhile is no longer chosen.
  const picked = isWide ? chosen : new Map((rows ?? []).filter((row) => chosen.has(rowKey(row))).map((row) => [rowKey(row), row]));
  const narrows = [list.q, list.sort, list.size, ...Object.entries(list.filters).flat()].join("\n");
  useEffect(() => setPicked(new Map(), false), [narrows]);
  useEffect(() => { if (!isWide) clear(); }, [list.page]);
  const was = useRef(total);
  useEffect(() => {
    if (isWide && total !== was.current) clear(); // of all that were chosen, nobody knows which have gone
    was.current = total;
  }, [total, isWide]);
  useSaid(props);

  const pick = (row: T, shift: boolean) => {
    const key = rowKey(row);
    const next = new Map(picked);
    const from = rows?.findIndex((one) => rowKey(one) === last.current) ?? -1;
    const to = rows?.indexOf(row) ?? -1;
    const on = !picked.has(key);
    const several = shift && from >= 0 && rows ? rows.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
    for (const one of several) on ? next.set(rowKey(one), one) : next.delete(rowKey(one));
    last.current = key;
    setPicked(next);
  };
  const all = rows !== undefined && rows.length > 0 && rows.every((row) => picked.has(rowKey(row)));
  const extra = (bulk ? 1 : 0) + (details ? 1 : 0) + (menu ? 1 : 0);
  const waits = query.isPlaceholderData === true && rows !== undefined;
  const cells = rows?.map((row) => shown.map((column) => column.cell(row)));
  // Either all times of a column say how long ago they are, or all say the day.
  const dated = shown.map((_, index) => cells?.some((line) => isDated(line[index])) ?? false);

  return (
    <section className={classes["frame"]} aria-label={caption} data-keys={props.keys?.join(" ")}>
      <Tools {...props} chosen={columns} />
      <div className={classes["scroll"]}>
        <table className={classes["table"]} role="table" aria-busy={query.isFetching} data-waiting={waits || undefined}>
          <caption className="hidden">{caption}</caption>
          <thead role="rowgroup">
            <tr role="row">
              {bulk && <th scope="col" role="columnheader" className={classes["box"]}><Checkbox aria-label={t("kit.table.pickAll")} checked={all} indeterminate={!all && picked.size > 0} onChange={() => setPicked(all ? new Map() : new Map([...picked, ...(rows ?? []).map((row): [string | number, T] => [rowKey(row), row])]))} /></th>}
              {details && <th scope="col" role="columnheader" className={classes["box"]}><span className="hidden">{t("kit.table.details")}</span></th>}
              {shown.map((column) => <Head key={column.id} column={column} list={list} />)}
              {menu && <th scope="col" role="columnheader" className={classes["box"]}><span className="hidden">{t("kit.table.actions")}</span></th>}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {rows?.map((row, at) => {
              const key = rowKey(row);
              const isOpen = open.has(String(key));
              const toggle = () => setOpen(isOpen ? new Set([...open].filter((one) => one !== String(key))) : new Set([...open, String(key)]));
              return (
                <Fragment key={key}>
                  <tr role="row" data-picked={picked.has(key) || undefined} data-digest-of={props.rowDigest?.(row)}>
                    {bulk && <td role="cell" className={classes["box"]}><Checkbox aria-label={t("kit.table.pick", { name: rowName(row) })} checked={picked.has(key)} onChange={() => undefined} onClick={(event) => pick(row, event.shiftKey)} /></td>}
                    {details && <td role="cell" className={classes["box"]}><ActionIcon size={24} aria-label={t("kit.table.showDetails", { name: rowName(row) })} aria-expanded={isOpen} onClick={toggle}>{isOpen ? <IconChevronDown size={16} stroke={1.5} /> : <IconChevronRight size={16} stroke={1.5} />}</ActionIcon></td>}
                    {shown.map((column, index) => <td key={column.id} role="cell" data-width={column.width ?? "grow"} data-first={index === 0 || undefined} data-phone={index === 0 ? undefined : (column.phone ?? 2)} data-label={column.head}>{dated[index] ? <Dated value>{cells?.[at]?.[index]}</Dated> : cells?.[at]?.[index]}</td>)}
                    {menu && <td role="cell" className={classes["box"]}><RowMenu name={rowName(row)}>{menu(row)}</RowMenu></td>}
                  </tr>
                  {details && isOpen && <tr role="row" className={classes["details"]} data-panel={key}><td role="cell" colSpan={shown.length + extra}>{details(row)}</td></tr>}
                </Fragment>
              );
            })}
          </tbody>
          {rows === undefined && !query.error && <Bones id={id} columns={shown} before={(bulk ? 1 : 0) + (details ? 1 : 0)} after={menu ? 1 : 0} />}
        </table>
        <Body {...props} columns={shown} />
      </div>
      {bulk && picked.size > 0 ? (
        <div className={classes["foot"]} data-bulk role="region" aria-label={t("kit.table.picked", { count: picked.size })} data-no-print>
          <span className="strong">{t("kit.table.picked", { count: picked.size })}</span>
          {all && !isWide && props.pageOf && rows !== undefined && (total ?? 0) > rows.length && (
            <Suspense><Every total={total ?? 0} list={list} pageOf={props.pageOf} onDone={(found) => setPicked(new Map(found.map((row) => [rowKey(row), row])), true)} /></Suspense>
          )}
          {bulk([...picked.values()], clear)}
          <Button size="xs" variant="subtle" onClick={clear} data-clears>{t("kit.table.unpick")}</Button>
        </div>
      ) : !whole && <Pager list={list} total={query.data?.total} />}
    </section>
  );
}

/** Whoever does not see the rows hears how many there are, when others are asked for and when the first ones come by themselves. */
function useSaid<T>({ caption, list, query }: TableProps<T>): void {
  const t = useTranslate();
  const language = useLanguage();
  const asked = JSON.stringify([list.q, list.filters, list.sort, list.page, list.size]);
  const count = query.isFetching ? undefined : query.data?.data.length;
  const last = useRef<{ asked: string; some: boolean } | null>(null);
  useEffect(() => {
    if (count === undefined) return;
    const before = last.current;
    last.current = { asked, some: count > 0 };
    if (before === null || (before.asked === asked && (before.some || count === 0))) return;
    const from = (list.page - 1) * list.size;
    const figures = (one: number) => number(one, language);
    const range = count === 0 ? (list.q ? t("kit.table.noMatch", { q: list.q }) : t("kit.table.noMatchFilter")) : t("kit.table.range", { from: figures(from + 1), to: figures(from + count), total: figures(query.data?.total ?? from + count) });
    say(`${caption}: ${range}`);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [asked, count]);
}

function Head<T>({ column, list }: { column: Column<T>; list: ListState }) {
  const t = useTranslate();
  const down = list.sort === `-${column.sort}`;
  const active = column.sort !== undefined && (down || list.sort === column.sort);
  const width = column.width ?? "grow";
  if (column.sort === undefined) return <th scope="col" role="columnheader" data-width={width}>{column.head}</th>;
  const next = active ? (down ? column.sort : `-${column.sort}`) : column.descends ? `-${column.sort}` : column.sort;
  return (
    <th scope="col" role="columnheader" data-width={width} aria-sort={active ? (down ? "descending" : "ascending") : "none"}>
      <button type="button" className={classes["sort"]} onClick={() => list.set({ sort: next })} title={t("kit.table.sortBy", { column: column.head })}>
        {column.head}
        {active ? (down ? <IconArrowDown size={12} stroke={1.5} aria-hidden /> : <IconArrowUp size={12} stroke={1.5} aria-hidden />) : <IconSelector size={12} stroke={1.5} aria-hidden className={classes["sortOff"]} />}
      </button>
    </th>
  );
}

function RowMenu({ name, children }: { name: string; children: ReactNode }) {
  const t = useTranslate();
  if (children === null || children === undefined) return null;
  return (
    <Menu>
      <Menu.Target><ActionIcon size={24} aria-label={t("kit.table.menu", { name })}><IconDots size={16} stroke={1.5} /></ActionIcon></Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}

/** What stands below the head when there are no rows: a problem, or why it is empty. */
function Body<T>({ id, query, list, empty, noMatch }: TableProps<T>) {
  const t = useTranslate();
  const rows = query.data?.data;
  const [all, setAll] = useState(0); // how many there are without a filter, as was seen last
  const total = list.isFiltered || query.isFetching ? undefined : query.data?.total;
  if (total !== undefined && total !== all) setAll(total);
  useEffect(() => {
    if (rows) keepRows(id, rows.length);
  }, [rows, id]);
  if (query.error && rows === undefined) return <div className={classes["state"]}><ProblemBox isList error={query.error} onRetry={() => void query.refetch()} /></div>;
  if (rows?.length !== 0) return null;
  if (list.isFiltered) return <div className={classes["state"]}><Empty action={<Button size="xs" variant="default" onClick={list.clear}>{t("kit.table.clearFilter")}</Button>}>{list.q ? (all > 0 ? noMatch?.(list.q, all) : undefined) ?? t("kit.table.noMatch", { q: list.q }) : t("kit.table.noMatchFilter")}</Empty></div>;
  return <div className={classes["state"]}>{empty}</div>;
}

/** Rows that are to come, after a moment: as many as last time, as wide as their columns. */
function Bones<T>({ id, columns, before, after }: { id: string; columns: Column<T>[]; before: number; after: number }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  const boxes = (count: number) => Array.from({ length: count }, (_, index) => <td key={`box${index}`} className={classes["box"]} />);
  return (
    <tfoot aria-hidden>
      {Array.from({ length: Math.min(10, readColumns(id).rows || 6) }, (_, at) => (
        <tr key={at}>
          {boxes(before)}
          {columns.map((column, index) => <td key={column.id} data-width={column.width ?? "grow"} data-first={index === 0 || undefined} data-phone={index === 0 ? undefined : (column.phone ?? 2)}>{late && <span className={classes["rowSkeleton"]} />}</td>)}
          {boxes(after)}
        </tr>
      ))}
    </tfoot>
  );
}

/** An entry that can't be used now, but has the focus like the others: a menu's first one gets it when it opens. */
const off = (is: boolean) => (is ? { "data-disabled": true, "aria-disabled": true } : {});

/** The address of this list as it is seen, with its columns where they are not the usual ones. */
function linkTo(columns: string | undefined): string {
  const url = new URL(location.href);
  url.searchParams.delete("cols");
  if (columns !== undefined) url.searchParams.set("cols", columns);
  return url.href;
}

function Tools<T>({ caption, isHeaded, filterLabel, list, tools, whole, chosen: { order: shown, toggle, move, view } }: TableProps<T> & { chosen: ReturnType<typeof useColumns<T>> }) {
  const t = useTranslate();
  const drags = useRef(0); // which of the columns is on its way; the first stays
  const [text, setText] = useTyped(list);
  const field = useId();
  return (
    <div className={classes["tools"]} data-tools data-headed={isHeaded} {...(isHeaded ? {} : { "data-no-print": true })}>
      {isHeaded && <h2>{caption}</h2>}
      {filterLabel && (
        <TextInput
          id={field} aria-label={filterLabel} placeholder={filterLabel} value={text} onChange={(event) => setText(event.currentTarget.value)}
          leftSection={<IconSearch size={16} stroke={1.5} aria-hidden />} className={classes["filter"] ?? ""} type="search" spellCheck={false} autoComplete="off" data-filter
          onKeyDown={(event) => { if (event.key === "Escape" && text !== "") { event.stopPropagation(); setText(""); } }}
        />
      )}
      {tools}
      <span className={classes["columns"]} />
      <Menu closeOnItemClick={false} width={260}>
        <Menu.Target><Button size="xs" variant="subtle" color="gray" leftSection={<IconColumns3 size={16} stroke={1.5} aria-hidden />}>{t("kit.table.columns")}</Button></Menu.Target>
        <Menu.Dropdown>
          {shown.map((column, index) => (
            <div
              key={column.id} className={classes["columnRow"]} draggable={index > 0}
              onDragStart={(event) => { drags.current = index; event.dataTransfer.effectAllowed = "move"; event.dataTransfer.setData("text/plain", column.head); }}
              onDragOver={(event) => { if (drags.current > 0 && index > 0) event.preventDefault(); }}
              onDrop={(event) => { event.preventDefault(); move(shown[drags.current]?.id ?? "", index - drags.current); drags.current = 0; }}
            >
              <IconGripVertical size={14} stroke={1.5} aria-hidden className={classes["grip"]} data-off={index === 0 || undefined} />
              <Menu.CheckboxItem checked={column.on} onChange={() => toggle(column.id)} checkIcon={<IconCheck size={16} stroke={1.5} aria-hidden />} {...off(index === 0)}>{column.head}</Menu.CheckboxItem>
              <Menu.Item className={classes["columnMove"] ?? ""} aria-label={t("kit.table.columnUp", { column: column.head })} onClick={() => index > 1 && move(column.id, -1)} {...off(index < 2)}><IconArrowUp size={14} stroke={1.5} /></Menu.Item>
              <Menu.Item className={classes["columnMove"] ?? ""} aria-label={t("kit.table.columnDown", { column: column.head })} onClick={() => index > 0 && index < shown.length - 1 && move(column.id, 1)} {...off(index === 0 || index === shown.length - 1)}><IconArrowDown size={14} stroke={1.5} /></Menu.Item>
            </div>
          ))}
        </Menu.Dropdown>
      </Menu>
      {!whole && <Copy text={linkTo(view)} label={t("kit.table.copyView")} />}
    </div>
  );
}

function Pager({ list, total }: { list: ListState; total: number | undefined }) {
  const t = useTranslate();
  const language = useLanguage();
  if (total === undefined || total === 0) return null;
  const last = Math.max(1, Math.ceil(total / list.size));
  const from = (list.page - 1) * list.size + 1;
  const to = Math.min(total, list.page * list.size);
  const near = [...new Set([1, list.page - 1, list.page, list.page + 1, last])].filter((page) => page >= 1 && page <= last).sort((a, b) => a - b);
  const say = (count: number) => number(count, language);
  return (
    <div className={classes["foot"]} data-no-print>
      <span className="small muted figures">{t("kit.table.range", { from: say(from), to: say(to), total: say(total) })}</span>
      <span className="grow" />
      {total > 25 && <Select size="xs" w={130} aria-label={t("kit.table.perPage")} data={["25", "50", "100"].map((size) => ({ value: size, label: t("kit.table.size", { n: size }) }))} value={String(list.size)} onChange={(size) => list.set({ size: Number(size), page: 1 })} allowDeselect={false} />}
      {last > 1 && (
        <nav aria-label={t("kit.table.pages", {})} className={classes["pages"]}>
          <ActionIcon data-step="previous" aria-label={t("kit.table.previous")} disabled={list.page <= 1} onClick={() => list.set({ page: list.page - 1 })}><IconChevronLeft size={16} stroke={1.5} /></ActionIcon>
          {near.map((page, index) => (
            <Fragment key={page}>
              {index > 0 && page - (near[index - 1] as number) > 1 && <span aria-hidden className="muted">…</span>}
              <button type="button" className={classes["page"]} aria-current={page === list.page ? "page" : undefined} aria-label={t("kit.table.page", { n: say(page) })} onClick={() => list.set({ page })}>{say(page)}</button>
            </Fragment>
          ))}
          <ActionIcon data-step="next" aria-label={t("kit.table.next")} disabled={list.page >= last} onClick={() => list.set({ page: list.page + 1 })}><IconChevronRight size={16} stroke={1.5} /></ActionIcon>
        </nav>
      )}
    </div>
  );
}

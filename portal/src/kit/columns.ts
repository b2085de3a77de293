// Which columns of a table are shown, and in which order: by table, kept in this browser, and by app/preferences with the account.
import { useMemo, useSyncExternalStore, type ReactNode } from "react";

/** A column of a table. */
export interface Column<T> {
  id: string;
  head: string;
  cell: (row: T) => ReactNode;
  /** `grow` takes what is left, `fit` is as wide as its text, `figure` is that and right-aligned. */
  width?: "grow" | "fit" | "figure";
  /** The field that the server sorts by; none: no button. */
  sort?: string;
  /** Descending first, as for times and sizes. */
  descends?: boolean;
  /** Not shown until it is chosen. */
  optional?: boolean;
  /** On a phone: 1 stands beside the first column, 2 below it, 0 is left out. */
  phone?: 0 | 1 | 2;
}

export interface Columns {
  /** Ids that were turned on or off against what is usual. */
  on: Record<string, boolean>;
  order: string[];
}

interface Kept extends Columns {
  /** How many rows it had last: as many skeletons next time. */
  rows: number;
}

const known = new Map<string, Kept>();
const listeners = new Set<() => void>();
let version = 0;

export function readColumns(id: string): Kept {
  let kept = known.get(id);
  if (kept === undefined) {
    kept = { on: {}, order: [], rows: 0 };
    try {
      kept = { ...kept, ...(JSON.parse(localStorage.getItem(`moorage-table-${id}`) ?? "{}") as Partial<Kept>) };
    } catch { /* nothing kept, or no storage */ }
    known.set(id, kept);
  }
  return kept;
}

/** Show a table's columns so from now on. */
export function setColumns(id: string, { on, order }: Partial<Columns>): void {
  const before = readColumns(id);
  const next = { ...before, on: on ?? before.on, order: order ?? before.order };
  known.set(id, next);
  version += 1;
  write(id, next);
  listeners.forEach((one) => one());
}

/** A table had so many rows: nobody needs to hear of it. */
export function keepRows(id: string, rows: number): void {
  const kept = readColumns(id);
  if (kept.rows === rows) return;
  kept.rows = rows;
  write(id, kept);
}

function write(id: string, kept: Kept): void {
  try {
    localStorage.setItem(`moorage-table-${id}`, JSON.stringify(kept));
  } catch { /* it holds for this page */ }
}

const hearers = new Set<(id: string, columns: Columns) => void>();

/** Hear what the reader changes. Returns what ends that. */
export function onColumns(hear: (id: string, columns: Columns) => void): () => void {
  hearers.add(hear);
  return () => hearers.delete(hear);
}

function keep(id: string, change: Partial<Columns>): void {
  setColumns(id, change);
  const { on, order } = readColumns(id);
  hearers.forEach((one) => one(id, { on, order }));
}

/** Whether something says which columns are shown, whoever wrote it. */
export const isColumns = (value: unknown): value is Columns => {
  const { on, order } = (value ?? {}) as Partial<Columns>;
  return typeof on === "object" && on !== null && Object.values(on).every((one) => typeof one === "boolean") && Array.isArray(order) && order.every((one) => typeof one === "string");
};

/**
 * The columns that are shown, all of them in their order with `on`, and what changes that. The first stays first and shown.
 * `linked`: those of a link to a view, by id; they hold until the reader changes something. `view`: what such a link would say,
 * undefined where all is as usual.
 */
export function useColumns<T>(id: string, columns: Column<T>[], linked?: string, unlink?: () => void) {
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => version,
  );
  const kept = readColumns(id);
  const order = useMemo(() => {
    const ids = linked?.split(",");
    const wanted = ids ?? kept.order;
    const place = (column: Column<T>, index: number) => (index === 0 ? -1 : wanted.includes(column.id) ? wanted.indexOf(column.id) : index);
    return columns
      .map((column, index) => ({ ...column, on: index === 0 || (ids?.includes(column.id) ?? kept.on[column.id] ?? !column.optional), at: place(column, index) }))
      .sort((a, b) => a.at - b.at);
  }, [columns, kept, linked]);
  const shown = order.filter((one) => one.on);
  const said = shown.map((one) => one.id).join();
  const now: Columns = linked === undefined ? kept : { on: Object.fromEntries(order.map((one) => [one.id, one.on])), order: order.map((one) => one.id) };
  const change = (next: Partial<Columns>) => {
    keep(id, { ...now, ...next });
    if (linked !== undefined) unlink?.();
  };
  return {
    order,
    shown,
    view: said === columns.filter((one) => !one.optional).map((one) => one.id).join() ? undefined : said,
    toggle: (column: string) => change({ on: { ...now.on, [column]: !order.find((one) => one.id === column)?.on } }),
    move: (column: string, by: number) => {
      const ids = order.map((one) => one.id);
      const from = ids.indexOf(column);
      const to = from + by;
      if (from < 1 || to < 1 || to >= ids.length || by === 0) return;
      ids.splice(to, 0, ...ids.splice(from, 1));
      change({ order: ids });
    },
  };
}

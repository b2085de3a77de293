// The audit log by key: no page costs more than the first, and nothing shifts while people read.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { contractQuery } from "../app/search.ts";

export interface Asked {
  what: string;
  who: string;
  event: string;
  result: string;
  days: string;
  /** `older.KEY` or `newer.KEY`: which page; empty: the newest. */
  at: string;
}

const SIZE = 50;
const like = (text: string) => text && `~${text}`;

/** From when on, in the contract's form of a range. */
const since = (days: string, now: Date) => (days ? `[${new Date(now.getTime() - Number(days) * 86_400_000).toISOString().slice(0, 19).replace("T", " ")}~]` : "");

/** `create_artifact` as its two columns. */
export function split(event: string): { operation?: string; resource_type?: string } {
  const cut = event.indexOf("_");
  return cut < 0 ? {} : { operation: event.slice(0, cut), resource_type: event.slice(cut + 1) };
}

export const auditQuery = (asked: Asked) =>
  queryOptions({
    queryKey: ["audit", asked],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ resource: like(asked.what), username: like(asked.who), operation_result: asked.result, ...split(asked.event), op_time: since(asked.days, new Date()) });
      const [way, key] = [asked.at.slice(0, 5), asked.at.slice(6)];
      const { data } = await call("GET /audit", { query: { ...(q ? { q } : {}), page_size: SIZE, ...(way === "older" ? { older_than: key } : way === "newer" ? { newer_than: key } : {}) }, signal });
      return { data: data.entries, total: undefined, older: data.older_than, newer: data.newer_than, isFull: data.entries.length === SIZE };
    },
  });

export const eventsQuery = queryOptions({ queryKey: ["audit", "events"], staleTime: Infinity, queryFn: async ({ signal }) => (await call("GET /auditlog-exts/events", { signal })).data.map((one) => one.event_type) });

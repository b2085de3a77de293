// The audit log by key: no page costs more than the first, and nothing shifts while people read.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { contractQuery } from "../app/search.ts";
import { watched } from "../kit/polling.ts";
import { rangeOf, readWords } from "./filterSyntax.ts";

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

/** What is asked for as the contract's `q`. Fields win over words that say the same. */
export function auditFilter(asked: Asked): string | undefined {
  const words = readWords(asked.what);
  const [who, of] = [asked.who || words.who, split(asked.event)];
  return contractQuery({
    resource: like(words.what), username: like(who ?? ""), operation_result: asked.result || words.result, operation: of.operation ?? words.operation, resource_type: of.resource_type ?? words.kind, address: words.address,
    op_time: since(asked.days, new Date()) || rangeOf(words.after, words.before),
  });
}

export const auditQuery = (asked: Asked, live = false) =>
  queryOptions({
    queryKey: ["audit", asked],
    placeholderData: keepPreviousData,
    ...watched(() => live),
    queryFn: async ({ signal }) => {
      const q = auditFilter(asked);
      const [way, key] = [asked.at.slice(0, 5), asked.at.slice(6)];
      const { data } = await call("GET /audit", { query: { ...(q ? { q } : {}), page_size: SIZE, ...(way === "older" ? { older_than: key } : way === "newer" ? { newer_than: key } : {}) }, signal, quiet: live });
      return { data: data.entries, total: undefined, older: data.older_than, newer: data.newer_than, isFull: data.entries.length === SIZE };
    },
  });

export const eventsQuery = queryOptions({ queryKey: ["audit", "events"], staleTime: Infinity, queryFn: async ({ signal }) => (await call("GET /auditlog-exts/events", { signal })).data.map((one) => one.event_type) });

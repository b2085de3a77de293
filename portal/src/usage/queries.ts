// Storage, pulls and pushes by day: of everything under ["usage", …], of a project under ["project", NAME, "usage", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { IS_NAME } from "../projects/queries.ts";

/** How far back one can look, in days. */
export const RANGES = ["7", "30", "90", "365"] as const;
export type Range = (typeof RANGES)[number];

/** Days that were asked for by name; `to` included. */
export interface Days {
  from: string;
  to: string;
}

export interface Span {
  from: string;
  to?: string;
  by: "day" | "week";
}

const DAY = 86_400_000;
const DAYS_BY_DAY = 200; // more would stand closer than a line can be read

/** What the API is asked for a range: whole days in UTC, weeks where days would be too many. */
export function spanOf(range: Range | Days, now: Date): Span {
  if (typeof range === "object") return { ...range, by: (Date.parse(range.to) - Date.parse(range.from)) / DAY >= DAYS_BY_DAY ? "week" : "day" };
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - Number(range) + 1));
  return { from: first.toISOString().slice(0, 10), by: range === "365" ? "week" : "day" };
}

const IS_DAY = /^\d{4}-\d\d-\d\d$/;
const LONGEST = 1_099; // what the server keeps, less the first day itself

/** Days of an address, if they can be asked for: in order, not after today (UTC), no more than are kept. */
export function daysOf(from: string | undefined, to: string | undefined, now: Date): Days | null {
  if (!IS_DAY.test(from ?? "") || !IS_DAY.test(to ?? "")) return null;
  const [first, last] = [Date.parse(from as string), Date.parse(to as string)];
  if (!(first <= last) || first > now.getTime() || (last - first) / DAY > LONGEST) return null;
  return { from: from as string, to: to as string };
}

const EVERY = 60_000;

/** `project` null: all of them. */
export const usageQuery = (project: string | null, range: Range | Days) =>
  queryOptions({
    queryKey: project === null ? ["usage", range] : ["project", project, "usage", range],
    placeholderData: keepPreviousData,
    refetchInterval: EVERY,
    queryFn: async ({ signal }) => {
      const query = spanOf(range, new Date());
      if (project === null) return (await call("GET /usage", { query, signal, quiet: true })).data;
      return (await call("GET /projects/{project_name_or_id}/usage", { path: { project_name_or_id: project }, header: IS_NAME, query, signal, quiet: true })).data;
    },
  });

/** The largest projects, and how many there are. */
export const largestQuery = queryOptions({
  queryKey: ["projects", "largest"],
  queryFn: async ({ signal }) => {
    const { data, total } = await call("GET /quotas", { query: { sort: "-used.storage", page_size: 8 }, signal });
    return { data, total: total ?? data.length };
  },
});

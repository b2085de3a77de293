// What pages of background work ask, under ["jobs", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { WorkRun } from "../api/schema.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { isOver } from "../kit/Work.tsx";
import { watched } from "../kit/polling.ts";

const whole = <T>(data: T[]) => ({ data, total: data.length });

const always = watched(() => true);

export const queuesQuery = queryOptions({ queryKey: ["jobs", "queues"], ...always, queryFn: async ({ signal }) => whole((await call("GET /jobservice/queues", { signal, quiet: true })).data) });
export const poolsQuery = queryOptions({ queryKey: ["jobs", "pools"], ...always, queryFn: async ({ signal }) => whole((await call("GET /jobservice/pools", { signal, quiet: true })).data) });

/** Tasks that run: what a process has in hand. */
export const runningQuery = queryOptions({
  queryKey: ["jobs", "running"],
  ...always,
  queryFn: async ({ signal }) => {
    const { data, total } = await call("GET /jobservice/tasks", { query: { q: "status=Running", page_size: 100 }, signal, quiet: true });
    return { data, total };
  },
});

/** Runs that go on or wait. */
export const goingQuery = queryOptions({
  queryKey: ["jobs", "going"],
  ...always,
  queryFn: async ({ signal }) => (await call("GET /jobservice/executions", { query: { q: "status=Running", page_size: 100 }, signal, quiet: true })).data,
});

/** The last twenty that ended. */
export const endedQuery = queryOptions({
  queryKey: ["jobs", "ended"],
  ...always,
  queryFn: async ({ signal }) => (await call("GET /jobservice/executions", { query: { q: "status={Success Error Stopped}", sort: "-id", page_size: 20 }, signal, quiet: true })).data,
});

export const runsQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["jobs", "runs", list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    ...always,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ status: list.filters["status"], vendor_type: list.filters["kind"] });
      const { data, total } = await call("GET /jobservice/executions", { query: { ...(q ? { q } : {}), page: list.page, page_size: list.size }, signal, quiet: true });
      return { data, total };
    },
  });

/** One run, looked at while it goes on. */
export const runQuery = (id: number) =>
  queryOptions({
    queryKey: ["jobs", "run", id],
    ...watched<WorkRun | null>((run) => !run || !isOver(run.status)),
    queryFn: async ({ signal }) => (await call("GET /jobservice/executions", { query: { q: `id=${id}`, page_size: 1 }, signal, quiet: true })).data[0] ?? null,
  });

/** The tasks of a run, those that were made last first. */
export const tasksQuery = (run: number, page: number, goes: boolean) =>
  queryOptions({
    queryKey: ["jobs", "run", run, "tasks", page],
    placeholderData: keepPreviousData,
    ...watched(() => goes),
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /jobservice/tasks", { query: { q: `execution_id=${run}`, page, page_size: 25 }, signal, quiet: true });
      return { data, total };
    },
  });

export const stopRun = (id: number) => call("PUT /jobservice/executions/{execution_id}", { path: { execution_id: id } });

export const jobsChanged = () => queries.invalidateQueries({ queryKey: ["jobs"] });

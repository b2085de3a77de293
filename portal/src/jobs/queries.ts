// What pages of background work ask, under ["jobs", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";

const WATCHED = 2000;
const whole = <T>(data: T[]) => ({ data, total: data.length });

export const queuesQuery = queryOptions({ queryKey: ["jobs", "queues"], refetchInterval: WATCHED, queryFn: async ({ signal }) => whole((await call("GET /jobservice/queues", { signal, quiet: true })).data) });
export const poolsQuery = queryOptions({ queryKey: ["jobs", "pools"], refetchInterval: WATCHED, queryFn: async ({ signal }) => whole((await call("GET /jobservice/pools", { signal, quiet: true })).data) });

export const runningQuery = queryOptions({
  queryKey: ["jobs", "running"],
  refetchInterval: WATCHED,
  queryFn: async ({ signal }) => {
    const { data, total } = await call("GET /jobservice/tasks", { query: { q: "status=Running", page_size: 100 }, signal, quiet: true });
    return { data, total };
  },
});

const OVER = ["Success", "Error", "Stopped"];

/** The last ten that ended. */
export const endedQuery = queryOptions({
  queryKey: ["jobs", "ended"],
  refetchInterval: WATCHED,
  queryFn: async ({ signal }) => {
    const { data } = await call("GET /jobservice/tasks", { query: { page_size: 30 }, signal, quiet: true });
    return data.filter((one) => OVER.includes(one.status)).slice(0, 10);
  },
});

export const tasksQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["jobs", "tasks", list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    refetchInterval: WATCHED,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ status: list.filters["status"], vendor_type: list.filters["kind"] });
      const { data, total } = await call("GET /jobservice/tasks", { query: { ...(q ? { q } : {}), page: list.page, page_size: list.size }, signal, quiet: true });
      return { data, total };
    },
  });

export const jobsChanged = () => queries.invalidateQueries({ queryKey: ["jobs"] });

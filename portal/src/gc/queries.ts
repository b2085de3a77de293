// What the page of garbage collection asks, under ["gc", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { GCHistory } from "../api/schema.ts";
import type { ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { isOver } from "../kit/Work.tsx";

const WATCHED = 2000;

/** What a run was asked to do, and what it did. */
export interface Facts {
  dry_run?: boolean;
  delete_untagged?: boolean;
  workers?: number;
  freed_space?: number;
  purged_blobs?: number;
  purged_manifests?: number;
}

export function factsOf(run: GCHistory): Facts {
  try {
    return JSON.parse(run.job_parameters || "{}") as Facts;
  } catch {
    return {};
  }
}

export const reclaimableQuery = queryOptions({ queryKey: ["gc", "reclaimable"], queryFn: async ({ signal }) => (await call("GET /system/gc/reclaimable", { signal })).data });
export const storedQuery = queryOptions({ queryKey: ["gc", "stored"], queryFn: async ({ signal }) => (await call("GET /statistics", { signal })).data.total_storage_consumption ?? 0 });
export const scheduleQuery = queryOptions({ queryKey: ["gc", "schedule"], queryFn: async ({ signal }) => (await call("GET /system/gc/schedule", { signal })).data });

export const runsQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["gc", "runs", list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /system/gc", { query: { page: list.page, page_size: list.size }, signal, quiet: true });
      return { data, total };
    },
    refetchInterval: (query) => (query.state.data?.data.some((one) => !isOver(one.job_status)) ? WATCHED : false),
  });

/** How far a run is: its task says. */
export const taskQuery = (run: number, runs: boolean) =>
  queryOptions({
    queryKey: ["gc", "task", run],
    queryFn: async ({ signal }) => (await call("GET /jobservice/tasks", { query: { q: `execution_id=${run}`, page_size: 1 }, signal, quiet: true })).data[0] ?? null,
    refetchInterval: runs ? WATCHED : false,
  });

export const gcChanged = () => queries.invalidateQueries({ queryKey: ["gc"] });

// What the page of garbage collection asks, under ["gc", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { GCHistory } from "../api/schema.ts";
import type { ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { follow } from "../jobs/followedRuns.ts";
import { watched } from "../kit/polling.ts";
import { isOver } from "../kit/Work.tsx";

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
    ...watched<{ data: GCHistory[] }>((found) => found?.data.some((one) => !isOver(one.job_status)) ?? false),
  });

export const gcChanged = () => queries.invalidateQueries({ queryKey: ["gc"] });

/** A run was begun here: its page is anew, and its end is told. */
export async function followed({ headers }: { headers: Headers }): Promise<void> {
  follow(Number(headers.get("Location")?.split("/").pop()));
  await Promise.all([gcChanged(), queries.invalidateQueries({ queryKey: ["jobs"] })]);
}

// Policies of replication and their runs, under ["replications", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { ReplicationExecution, ReplicationPolicy } from "../api/schema.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { follow } from "../jobs/followedRuns.ts";
import { watched } from "../kit/polling.ts";
import { isOver } from "../kit/Work.tsx";

export const policiesQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["replications", "policies", list.q, list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ name: list.q && `~${list.q}` });
      const { data, total } = await call("GET /replication/policies", { query: { ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

export const policyQuery = (id: number) => queryOptions({ queryKey: ["replications", "policy", id], queryFn: async ({ signal }) => (await call("GET /replication/policies/{id}", { path: { id }, signal })).data });

export const runsQuery = (policy: number, list: ListState) =>
  queryOptions({
    queryKey: ["replications", "runs", policy, list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /replication/executions", { query: { policy_id: policy, ...(list.filters["status"] ? { status: list.filters["status"] } : {}), page: list.page, page_size: list.size }, signal, quiet: true });
      return { data, total };
    },
    ...watched<{ data: ReplicationExecution[] }>((found) => found?.data.some((one) => !isOver(one.status)) ?? false),
  });

export const runQuery = (id: number) =>
  queryOptions({
    queryKey: ["replications", "run", id],
    queryFn: async ({ signal }) => (await call("GET /replication/executions/{id}", { path: { id }, signal, quiet: true })).data,
    ...watched<ReplicationExecution>((run) => !run || !isOver(run.status)),
  });

export const tasksQuery = (id: number, list: ListState, runs: boolean) =>
  queryOptions({
    queryKey: ["replications", "run", id, "tasks", list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /replication/executions/{id}/tasks", { path: { id }, query: { ...(list.filters["status"] ? { status: list.filters["status"] } : {}), page: list.page, page_size: list.size }, signal, quiet: true });
      return { data, total };
    },
    ...watched(() => runs),
  });

export const replicationsChanged = () => queries.invalidateQueries({ queryKey: ["replications"] });

/** Whether it brings here what another registry has. */
export const isPull = (one: ReplicationPolicy): boolean => Boolean(one.src_registry?.id);
export const otherOf = (one: ReplicationPolicy) => (isPull(one) ? one.src_registry : one.dest_registry);

/** What of a run has ended, of all that is known of it. */
export const progressOf = (one: ReplicationExecution) => ({ done: one.succeed + one.failed + one.stopped, total: one.total, done_bytes: one.done_bytes, total_bytes: one.total_bytes, rate: 0, seconds_left: -1 });

export const runPath = (policy: number, run: number) => `/admin/replications/${policy}/runs/${run}`;

/** Start a policy; the id of its run. */
export async function start(policy: number): Promise<number> {
  const { headers } = await call("POST /replication/executions", { body: { policy_id: policy } });
  const run = Number((headers.get("Location") ?? "").split("/").at(-1));
  follow(run);
  await replicationsChanged();
  return run;
}

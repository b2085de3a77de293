// The retention policy of a project and its runs: ["project", NAME, "retention", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { RetentionExecution } from "../api/schema.ts";
import { call } from "../api/client.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";

export const policyQuery = (project: string, id: number | null) =>
  queryOptions({ queryKey: ["project", project, "retention", id], enabled: id !== null, queryFn: async ({ signal }) => (await call("GET /retentions/{id}", { path: { id: id ?? 0 }, signal })).data });

export const runsQuery = (project: string, id: number | null) =>
  queryOptions({
    queryKey: ["project", project, "retention", id, "runs"],
    enabled: id !== null,
    // While one runs it is looked at every two seconds; that does not prolong a session.
    refetchInterval: (query) => ((query.state.data as RetentionExecution[] | undefined)?.some((one) => isRunning(one.status)) ? 2000 : false),
    queryFn: async ({ signal }) => (await call("GET /retentions/{id}/executions", { path: { id: id ?? 0 }, query: { page_size: 10 }, signal, quiet: true })).data as RetentionExecution[],
  });

export const verdictsQuery = (project: string, id: number, { id: run, status }: RetentionExecution, list: ListState, verdict: string) =>
  queryOptions({
    // With the state: what a run found is whole once it has ended, and not before.
    queryKey: ["project", project, "retention", id, "verdicts", run, status, verdict, list.q, list.page, list.size],
    placeholderData: keepPreviousData,
    refetchInterval: isRunning(status) ? 2000 : (false as const),
    queryFn: async ({ signal }) => {
      const q = contractQuery({ verdict, repository: list.q && `~${list.q}` });
      const { data, total } = await call("GET /retentions/{id}/executions/{eid}/verdicts", { path: { id, eid: run }, query: { ...(q ? { q } : {}), page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

/** How many artifacts a run that has ended looked at, and how many it deleted, or would. */
export const foundQuery = (project: string, id: number, { id: run, status, dry_run }: RetentionExecution) =>
  queryOptions({
    queryKey: ["project", project, "retention", id, "found", run, status],
    enabled: !isRunning(status),
    queryFn: async ({ signal }) => {
      const count = async (q?: string) => (await call("GET /retentions/{id}/executions/{eid}/verdicts", { path: { id, eid: run }, query: { ...(q ? { q } : {}), page_size: 1 }, signal })).total ?? 0;
      const [total, goes] = await Promise.all([count(), count(contractQuery({ verdict: dry_run ? "delete" : "deleted" }))]);
      return { total, goes };
    },
  });

export const isRunning = (status: string): boolean => !["Success", "Succeed", "Error", "Failed", "Stopped"].includes(status);
export const retentionChanged = (project: string) => queries.invalidateQueries({ queryKey: ["project", project, "retention"] });

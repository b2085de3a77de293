// Robots of a project: ["project", NAME, "robots", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";

export const robotsQuery = (project: string, projectId: number | undefined, list: ListState) =>
  queryOptions({
    queryKey: ["project", project, "robots", projectId, list.q, list.sort, list.page, list.size],
    enabled: projectId !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = [`Level=project`, `ProjectID=${projectId}`, ...(list.q ? [`name=~${list.q.replace(/,/g, "")}`] : [])].join(",");
      const { data, total } = await call("GET /robots", { query: { q, sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

/** Robots of the system: ["robots", …]. */
export const systemRobotsQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["robots", list.q, list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = ["Level=system", ...(list.q ? [`name=~${list.q.replace(/,/g, "")}`] : [])].join(",");
      const { data, total } = await call("GET /robots", { query: { q, sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

/** What robots can be given, in projects and in the system. */
export const grantableQuery = queryOptions({
  queryKey: ["grantable"],
  staleTime: Infinity,
  queryFn: async () => {
    const { data } = await call("GET /permissions");
    return { project: data.project.map((one) => `${one.resource}:${one.action}`), system: (data.system ?? []).map((one) => `${one.resource}:${one.action}`) };
  },
});

export const systemRobotsChanged = () => queries.invalidateQueries({ queryKey: ["robots"] });
export const robotsChanged = (project: string) => queries.invalidateQueries({ queryKey: ["project", project, "robots"] });

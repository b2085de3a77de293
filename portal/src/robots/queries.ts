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

/** What a robot of a project can be given. */
export const grantableQuery = queryOptions({
  queryKey: ["grantable"],
  staleTime: Infinity,
  queryFn: async () => (await call("GET /permissions")).data.project.map((one) => `${one.resource}:${one.action}`),
});

export const robotsChanged = (project: string) => queries.invalidateQueries({ queryKey: ["project", project, "robots"] });

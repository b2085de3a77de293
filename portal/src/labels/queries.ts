// Labels of a project: ["project", NAME, "labels", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";

export const labelsQuery = (project: string, projectId: number | undefined, list: ListState) =>
  queryOptions({
    queryKey: ["project", project, "labels", projectId, list.q, list.sort, list.page, list.size],
    enabled: projectId !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /labels", { query: { scope: "p", project_id: projectId as number, ...(list.q ? { q: `name=~${list.q.replace(/,/g, "")}` } : {}), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

export const labelsChanged = (project: string) => queries.invalidateQueries({ queryKey: ["project", project, "labels"] });

// What was done in a project: ["project", NAME, "logs", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { contractQuery, type ListState } from "../app/search.ts";

const DAY = 86_400_000;

export const logsQuery = (project: string, list: ListState) =>
  queryOptions({
    queryKey: ["project", project, "logs", list.q, list.filters, list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const days = Number(list.filters["days"] ?? 0);
      const since = days > 0 ? `[${new Date(Date.now() - days * DAY).toISOString().slice(0, 19)}Z~]` : undefined;
      const q = contractQuery({ resource: list.q && `~${list.q}`, username: list.filters["who"], operation_result: list.filters["result"], op_time: since });
      const { data, total } = await call("GET /projects/{project_name}/auditlog-exts", { path: { project_name: project }, query: { ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

// What became of tags: ["repository", PROJECT, REPOSITORY, "history", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { RepositoryPast } from "../api/schema.ts";
import { contractQuery, type ListState } from "../app/search.ts";

type Path = { project_name: string; repository_name: string };

/** A page of it; `at`: the tags as they were at that moment; the filter `tag`: of that tag alone. */
export const historyQuery = (path: Path, list: ListState, at: string | undefined) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name, "history", at, list.q, list.filters["tag"], list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<{ data: RepositoryPast[]; total: number | undefined }> => {
      const tag = list.filters["tag"];
      const q = contractQuery({ name: tag ?? (list.q && `~${list.q}`) });
      const { data, total } = await call("GET /projects/{project_name}/repositories/{repository_name}/history", { path, query: { ...(at ? { at } : {}), ...(q ? { q } : {}), ...(list.sort ? { sort: list.sort } : {}), page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

/** Where a tag points now; null: there is no such tag. */
export const nowQuery = (path: Path, tag: string) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name, "history", "now", tag],
    staleTime: 0,
    queryFn: async ({ signal }) => {
      const { data } = await call("GET /projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/history", { path: { ...path, tag_name: tag }, query: { sort: "-since", page_size: 1 }, signal });
      return data[0] && data[0].ended_by === null ? data[0].digest : null;
    },
  });

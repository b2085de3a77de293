// Labels of a project: ["project", NAME, "labels", …]; of the server: ["labels", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";

const named = (text: string) => (text ? { q: `name=~${text.replace(/,/g, "")}` } : {});

export const labelsQuery = (project: string, projectId: number | undefined, list: ListState) =>
  queryOptions({
    queryKey: ["project", project, "labels", projectId, list.q, list.sort, list.page, list.size],
    enabled: projectId !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /labels", { query: { scope: "p", project_id: projectId as number, ...named(list.q), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

/** What an artifact of a project may carry, by name: at most a hundred of the project and a hundred of the system. */
export const choicesQuery = (project: string, projectId: number | undefined, sought: string) =>
  queryOptions({
    queryKey: ["project", project, "labels", projectId, "choices", sought],
    enabled: projectId !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const of = async (query: { scope: string; project_id?: number }) => (await call("GET /labels", { query: { ...query, ...named(sought), sort: "name", page_size: 100 }, signal })).data;
      return (await Promise.all([of({ scope: "p", project_id: projectId as number }), of({ scope: "g" })])).flat();
    },
  });

export const systemLabelsQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["labels", list.q, list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /labels", { query: { scope: "g", ...named(list.q), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

/** The project whose labels they are. */
export interface Owner {
  project: string;
  id: number;
}

/** Null: those of the server, which every project offers. */
export const labelsChanged = (owner: Owner | null) => queries.invalidateQueries(owner ? { queryKey: ["project", owner.project, "labels"] } : { predicate: (one) => one.queryKey.includes("labels") });

// Other registries, under ["registries", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";

export const registriesQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["registries", list.q, list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ name: list.q && `~${list.q}` });
      const { data, total } = await call("GET /registries", { query: { ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

/** All of them, for forms that choose one. */
export const allRegistriesQuery = queryOptions({ queryKey: ["registries", "all"], queryFn: async ({ signal }) => (await call("GET /registries", { query: { sort: "name", page_size: 100 }, signal })).data });

export const kindsQuery = queryOptions({ queryKey: ["registry-kinds"], staleTime: Infinity, queryFn: async ({ signal }) => (await call("GET /replication/adapterinfos", { signal })).data });

export const registriesChanged = () => queries.invalidateQueries({ queryKey: ["registries"] });

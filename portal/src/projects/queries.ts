// What pages of projects ask, under keys that changes make stale: ["projects", …] and ["project", NAME, …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";

/** In paths a name is a name, also one of digits. */
export const IS_NAME = { "X-Is-Resource-Name": "true" };

export const projectsQuery = (list: ListState) =>
  queryOptions({
    queryKey: ["projects", list.q, list.sort, list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ name: list.q && `~${list.q}`, public: list.filters["public"], proxy: list.filters["proxy"] });
      const { data, total } = await call("GET /projects", { query: { ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });

export const projectQuery = (name: string) =>
  queryOptions({
    queryKey: ["project", name],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name_or_id}", { path: { project_name_or_id: name }, header: IS_NAME, signal })).data,
  });

export const summaryQuery = (name: string) =>
  queryOptions({
    queryKey: ["project", name, "summary"],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name_or_id}/summary", { path: { project_name_or_id: name }, header: IS_NAME, signal })).data,
  });

export const statisticsQuery = queryOptions({ queryKey: ["projects", "statistics"], queryFn: async () => (await call("GET /statistics")).data });
export const quotasQuery = queryOptions({
  queryKey: ["projects", "quotas"],
  queryFn: async () => new Map((await call("GET /quotas", { query: { page_size: 100, sort: "-used.storage" } })).data.map((one) => [one.ref.id, one])),
});

const AT_ONCE = 80; // ids of ten digits in a `q` of 1,024 bytes

/** Limits and use of those projects that a page shows, by the project's id; for administrators. */
export const quotasOfQuery = (ids: number[]) =>
  queryOptions({
    queryKey: ["projects", "quotas", ids],
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const pieces = Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, index) => ids.slice(index * AT_ONCE, (index + 1) * AT_ONCE));
      const asked = pieces.map((some) => call("GET /quotas", { query: { q: `id={${some.join(" ")}}`, page_size: 100 }, signal }));
      return new Map((await Promise.all(asked)).flatMap(({ data }) => data.map((one) => [one.ref.id, one])));
    },
  });

/** How often something was pulled today (UTC), of all projects; for administrators. */
export const todayQuery = queryOptions({
  queryKey: ["usage", "today"],
  staleTime: 60_000,
  queryFn: async ({ signal }) => (await call("GET /usage", { query: { from: new Date().toISOString().slice(0, 10) }, signal })).data.periods.at(-1)?.pulls ?? 0,
});
/** How many bytes the volumes have; 0: nobody can say, as of an object store. */
export const roomQuery = queryOptions({
  queryKey: ["health", "room"],
  staleTime: 300_000,
  queryFn: async ({ signal }) => (await call("GET /systeminfo/volumes", { signal })).data.storage.reduce((sum, one) => sum + one.total, 0),
});

/** Registries that a new project can mirror, the first hundred by name; for administrators. */
export const registriesToMirror = queryOptions({ queryKey: ["registries", "names"], queryFn: async () => (await call("GET /registries", { query: { page_size: 100, sort: "name" } })).data });

/** What lists of projects show has changed. */
export const projectsChanged = () => queries.invalidateQueries({ queryKey: ["projects"] });
export const projectChanged = (name: string) => queries.invalidateQueries({ queryKey: ["project", name] });

/** The word of a role, by the contract's number. */
export const ROLES = { 1: "projects.role.admin", 2: "projects.role.developer", 3: "projects.role.guest", 4: "projects.role.maintainer", 5: "projects.role.limitedGuest" } as const;

// What pages of repositories and artifacts ask, under keys that changes make stale: ["repositories", PROJECT, …] and
// ["repository", PROJECT, REPOSITORY, …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import { repositoryOf } from "../app/paths.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { IS_NAME } from "../projects/queries.ts";

/** Project and repository of the address. */
export function useRepository(): { project: string; repository: string; path: { project_name: string; repository_name: string } } {
  const params = useParams({ strict: false }) as { project: string; repository: string };
  const repository = repositoryOf(params.repository);
  return { project: params.project, repository, path: { project_name: params.project, repository_name: repository } };
}

const paged = (list: ListState, q: string | undefined) => ({ ...(q ? { q } : {}), ...(list.sort ? { sort: list.sort } : {}), page: list.page, page_size: list.size });

export const repositoriesQuery = (project: string, list: ListState) =>
  queryOptions({
    queryKey: ["repositories", project, list.q, list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const query = paged(list, contractQuery({ name: list.q && `~${list.q}` }));
      if (!BY_BYTES.includes(list.sort)) {
        const { data, total } = await call("GET /projects/{project_name}/repositories", { path: { project_name: project }, query, signal });
        return { data, total };
      }
      const { data: sizes, total } = await call("GET /projects/{project_name_or_id}/storage/repositories", { path: { project_name_or_id: project }, query, header: IS_NAME, signal });
      const asked = inLists(sizes.map((one) => one.name)).map((q) => call("GET /projects/{project_name}/repositories", { path: { project_name: project }, query: { q, page_size: 100 }, signal }));
      const found = new Map((await Promise.all(asked)).flatMap(({ data }) => data.map((one) => [one.name ?? "", one])));
      return { data: sizes.flatMap((one) => found.get(one.name) ?? []), total };
    },
  });

/** Only who measures bytes can sort by them; what else a page shows is asked by the names that it finds. */
const BY_BYTES = ["own", "-own"];

/** Own and shared bytes of those repositories that a page shows, by whole name; with how many tags they have, and their last pull. */
export const storageQuery = (project: string, names: string[]) =>
  queryOptions({
    queryKey: ["repositories", project, "storage", names],
    enabled: names.length > 0,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const asked = inLists(names).map((q) => call("GET /projects/{project_name_or_id}/storage/repositories", { path: { project_name_or_id: project }, query: { q, page_size: 100 }, header: IS_NAME, signal }));
      return new Map((await Promise.all(asked)).flatMap(({ data }) => data.map((one) => [one.name, one])));
    },
  });

const MOST_BYTES = 1024; // of `q`; the server refuses more

/** Names of a page as `name={…}`, in as many pieces as it takes that none is too long. */
export function inLists(names: string[]): string[] {
  const pieces: string[][] = [];
  let left = 0;
  for (const name of names) {
    left -= name.length + 1;
    if (left < 0) {
      pieces.push([]);
      left = MOST_BYTES - "name={}".length - name.length;
    }
    pieces.at(-1)?.push(name);
  }
  return pieces.map((one) => `name={${one.join(" ")}}`);
}

export type Path = { project_name: string; repository_name: string };

export const repositoryQuery = (path: Path) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name}/repositories/{repository_name}", { path, signal })).data,
  });

export const tagsQuery = (path: Path, list: ListState) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name, "tags", list.q, list.sort, list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ name: list.q && `~${list.q}`, signed: list.filters["signed"], platform: list.filters["platform"], labels: list.filters["label"] && `(${list.filters["label"]})` });
      const { data, total } = await call("GET /projects/{project_name}/repositories/{repository_name}/tags", { path, query: paged(list, q), signal });
      return { data, total };
    },
  });

export const artifactsQuery = (path: Path, list: ListState) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name, "artifacts", list.q, list.sort, list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ digest: list.q && `~${list.q}`, tags: list.filters["tags"], type: list.filters["type"], labels: list.filters["label"] && `(${list.filters["label"]})` });
      const { data, total } = await call("GET /projects/{project_name}/repositories/{repository_name}/artifacts", { path, query: { ...paged(list, q), with_tag: true, with_label: true, with_accessory: true }, signal });
      return { data, total };
    },
  });

/** What deleting artifacts would bring back; a page has no more of them than the server measures at once. */
export const measuredQuery = (path: Path, digests: string[]) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name, "measured", digests],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await call("POST /projects/{project_name}/repositories/{repository_name}/storage", { path, body: { references: digests }, signal })).data,
  });

export const artifactQuery = (path: Path, reference: string) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name, "artifact", reference],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}", { path: { ...path, reference }, query: { with_tag: true, with_label: true, with_accessory: true, with_immutable_status: true, with_inherited_accessory: true }, signal })).data,
  });

export const partsQuery = (path: Path, reference: string) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name, "parts", reference],
    staleTime: Infinity, // of a digest; what it says never changes
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/parts", { path: { ...path, reference }, signal })).data,
  });

export const accessoriesQuery = (path: Path, reference: string) =>
  queryOptions({
    queryKey: ["repository", path.project_name, path.repository_name, "accessories", reference],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/accessories", { path: { ...path, reference }, query: { page_size: 100 }, signal })).data,
  });

/** Tags or artifacts of a repository have changed. `leaving`: the page that is seen is of what has gone, and asks no more. */
export async function repositoryChanged(path: Path, leaving = false): Promise<void> {
  await queries.invalidateQueries({ queryKey: ["repository", path.project_name, path.repository_name], refetchType: leaving ? "none" : "active" });
  void queries.invalidateQueries({ queryKey: ["repositories", path.project_name] });
}

// People and labels of the page in view, for the palette.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { Label } from "../api/schema.ts";
import { places, repositoryOf } from "../app/paths.ts";
import { queries } from "../app/session.tsx";
import { IS_NAME, projectQuery } from "../projects/queries.ts";

const MOST = 6;

/** What is in view, by its address, and where a person or a label leads from there. */
export function whereOf(path: string) {
  const [, project, , repository] = /^\/projects\/([^/]+)(\/repositories\/([^/]+))?/.exec(path) ?? [];
  const name = project === undefined ? undefined : decodeURIComponent(project);
  const inside = repository === undefined ? undefined : repositoryOf(decodeURIComponent(repository));
  const of = (words: string) => `?${new URLSearchParams({ q: words }).toString()}`;
  return {
    project: name,
    people: (admin: boolean, person: string): string => (admin || name === undefined ? "/admin/users" : `${places.project(name)}/members`) + of(person),
    /** In a repository: its tags that carry it. */
    label: (one: Label): string => {
      if (name === undefined) return "/admin/labels" + of(one.name ?? "");
      return inside === undefined ? `${places.project(name)}/labels${of(one.name ?? "")}` : `${places.repository(name, inside)}?f.label=${one.id}`;
    },
  };
}

/** Names of people; with a project: of its members. */
export const membersOfQuery = (project: string | undefined, words: string) =>
  queryOptions({
    queryKey: ["people", project ?? "", words],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<string[]> => {
      if (project === undefined) return (await call("GET /users/search", { query: { username: words, page_size: MOST }, signal })).data.map((one) => one.username);
      const found = await call("GET /projects/{project_name_or_id}/members", { path: { project_name_or_id: project }, query: { entityname: words, page_size: MOST }, header: IS_NAME, signal });
      return found.data.map((one) => one.entity_name ?? "");
    },
  });

/** Labels of the server; with a project: also of it. */
export const labelsOfQuery = (project: string | undefined, words: string) =>
  queryOptions({
    queryKey: ["labels", "palette", project ?? "", words],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Label[]> => {
      const id = project === undefined ? undefined : (await queries.ensureQueryData(projectQuery(project))).project_id;
      const q = `name=~${words.replace(/,/g, "")}`;
      const of = async (query: { scope: string; project_id?: number }) => (await call("GET /labels", { query: { ...query, q, sort: "name", page_size: MOST }, signal })).data;
      return (await Promise.all([...(id === undefined ? [] : [of({ scope: "p", project_id: id })]), of({ scope: "g" })])).flat();
    },
  });

// The immutable tag rules of a project, and how many tags each of them keeps: ["project", NAME, "immutability", …].
import { queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { ImmutableRule } from "../api/schema.ts";
import { queries } from "../app/session.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { chosenOf, repositorySelector, tagSelector } from "../selectors/selectors.ts";

/** The contract allows 15. */
export const MOST = 15;

export const rulesQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project, "immutability"],
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name_or_id}/immutabletagrules", { path: { project_name_or_id: project }, query: { page_size: MOST }, header: IS_NAME, signal })).data,
  });

export const keptQuery = (project: string, rule: ImmutableRule) => {
  const chosen = chosenOf(rule);
  return queryOptions({
    queryKey: ["project", project, "immutability", "kept", chosen],
    queryFn: async ({ signal }) => (await call("POST /projects/{project_name_or_id}/selectors/match", { path: { project_name_or_id: project }, header: IS_NAME, body: { repository: repositorySelector(chosen), tag: tagSelector(chosen), first: 0 }, signal })).data,
  });
};

/** Rules have changed, and with them what pages of repositories say of tags. */
export async function rulesChanged(project: string): Promise<void> {
  await queries.invalidateQueries({ queryKey: ["project", project, "immutability"] });
  void queries.invalidateQueries({ queryKey: ["repository", project] });
}

// Members of a project: ["project", NAME, "members", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { IS_NAME } from "../projects/queries.ts";

export const membersQuery = (project: string, list: ListState) =>
  queryOptions({
    queryKey: ["project", project, "members", list.q, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, total } = await call("GET /projects/{project_name_or_id}/members", { path: { project_name_or_id: project }, query: { ...(list.q ? { entityname: list.q } : {}), page: list.page, page_size: list.size }, header: IS_NAME, signal });
      return { data, total };
    },
  });

/** People and groups whose name has these letters, for somebody who adds them. */
export const peopleQuery = (kind: "u" | "g", text: string) =>
  queryOptions({
    queryKey: ["people", kind, text],
    enabled: text.length > 0,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      kind === "u"
        ? (await call("GET /users/search", { query: { username: text, page_size: 10 }, signal })).data.map((one) => one.username)
        : (await call("GET /usergroups/search", { query: { groupname: text, page_size: 10 }, signal })).data.map((one) => one.group_name),
  });

/**
 * The id of the group that is called so: a name alone does not say of which source it is.
 *
 * @throws Problem: there is none.
 */
export async function groupOf(name: string): Promise<number> {
  const found = (await call("GET /usergroups/search", { query: { groupname: name, page_size: 100 } })).data.find((one) => one.group_name === name);
  if (!found) throw new Problem(404, "NOT_FOUND", "", "", {});
  return found.id;
}

export const membersChanged = (project: string) => queries.invalidateQueries({ queryKey: ["project", project] });

/** From the most to the least, by the contract's numbers. */
export const RANKED = [1, 4, 2, 3, 5] as const;

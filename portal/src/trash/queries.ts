// What was deleted and can come back: ["trash", PROJECT or "", …].
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { RestoredEntry } from "../api/schema.ts";
import { contractQuery, type ListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { IS_NAME } from "../projects/queries.ts";

/** Of a project, or "": of all that the reader can bring back. */
export const trashQuery = (project: string, list: ListState) =>
  queryOptions({
    queryKey: ["trash", project, list.q, list.filters["kind"], list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ name: list.q && `~${list.q}`, kind: list.filters["kind"] });
      const query = { with_size: true, ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size };
      const { data, total } = project === "" ? await call("GET /trash", { query, signal }) : await call("GET /projects/{project_name_or_id}/trash", { path: { project_name_or_id: project }, query, header: IS_NAME, signal });
      return { data, total };
    },
  });

/** Bring an entry back, and before it what it belongs to. `names`: new ones by old ones, where those are taken. */
export async function restoreEntry(id: number, names: Record<string, string> = {}): Promise<RestoredEntry> {
  const { data: entry } = await call("GET /trash/{id}", { path: { id } });
  if (entry.restore_first !== null) await restoreEntry(entry.restore_first);
  return (await call("POST /trash/{id}/restore", { path: { id }, body: { names } })).data;
}

/**
 * Bring back what was deleted a moment ago: of each name the newest entry. `names`: as entries are called. `project`: where
 * they were; "": they are projects.
 *
 * @throws the first refusal, when all others are back
 */
export async function restoreNewest(project: string, names: readonly string[]): Promise<void> {
  const query = { sort: "-deleted_at", page_size: 100 };
  const { data } = project === "" ? await call("GET /trash", { query: { ...query, q: "kind=project" } }) : await call("GET /projects/{project_name_or_id}/trash", { path: { project_name_or_id: project }, query, header: IS_NAME });
  const refused: unknown[] = [];
  for (const name of names) {
    const entry = data.find((one) => one.name === name);
    if (entry) await restoreEntry(entry.id).catch((error: unknown) => refused.push(error));
    else refused.push(new Problem(404, "NOT_FOUND", "", "", { reason: "TRASH_UNKNOWN" }));
  }
  await queries.invalidateQueries({ queryKey: ["trash"] });
  if (refused.length > 0) throw refused[0];
}

/** Names that are free where some were taken, by the old ones; null: that is not what went wrong. */
export function offered(error: unknown): Record<string, string> | null {
  if (!(error instanceof Problem) || error.reason !== "RESTORE_TAKEN") return null;
  return error.detail["offer"] as Record<string, string>;
}

/** Something came back or is gone: lists of the trash, and of what holds it. */
export async function trashChanged(project: string): Promise<void> {
  await queries.invalidateQueries({ queryKey: ["trash"] });
  for (const kind of ["project", "repositories", "repository"]) void queries.invalidateQueries({ queryKey: [kind, project] });
}

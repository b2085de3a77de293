// Where somebody begins who asked for no page: at the first steps while a new server holds nothing, else at the projects.
import { preferencesQuery } from "./preferences.ts";
import { call } from "../api/client.ts";
import { isAdmin, queries, sessionQuery } from "./session.tsx";

export async function home(): Promise<"/first-run" | "/projects"> {
  const user = queries.getQueryData(sessionQuery.queryKey);
  if (!isAdmin(user)) return "/projects";
  try {
    const { own } = await queries.ensureQueryData(preferencesQuery);
    if (own.first_run === "done") return "/projects";
    return (await call("GET /statistics")).data.total_repo_count === 0 ? "/first-run" : "/projects";
  } catch {
    return "/projects"; // which says what is wrong
  }
}

// Bookmarks of Harbor's portal: its paths lead to the same thing here.
import { useQuery } from "@tanstack/react-query";
import { Navigate, useParams } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import { places } from "./paths.ts";
import { Failed } from "./guards.tsx";
import { Missing } from "./states.tsx";

const ABOUT: Record<string, string> = {
  projects: "/projects", logs: "/admin/audit", users: "/admin/users", "robot-accounts": "/admin/robots", groups: "/admin/groups", registries: "/admin/registries",
  replications: "/admin/replications", "project-quotas": "/admin/quotas", labels: "/admin/labels", "clearing-job": "/admin/gc", "job-service-dashboard": "/admin/jobs", configs: "/admin/settings",
};
const TABS: Record<string, string> = { summary: "", repositories: "/repositories", members: "/members", labels: "/labels", "robot-account": "/robots", webhook: "/webhooks", logs: "/logs", configs: "/settings" };
const POLICIES: Record<string, string> = { "tag-retention": "/policy/retention", "immutable-tag": "/policy/immutability" };

export default function HarborPage() {
  const { _splat: rest = "" } = useParams({ strict: false }) as { _splat?: string };
  const [first = "", id = "", ...more] = rest.split("/");
  if (first === "sign-in" || first === "") return <Navigate to="/" replace />;
  if (first !== "projects" || id === "") return ABOUT[first] ? <Navigate to={ABOUT[first]} replace /> : <Missing />;
  return <Project id={id} more={more} />;
}

function Project({ id, more }: { id: string; more: string[] }) {
  const query = useQuery({ queryKey: ["harbor", id], queryFn: async () => (await call("GET /projects/{project_name_or_id}", { path: { project_name_or_id: id } })).data });
  if (query.error) return <Failed error={query.error} />;
  if (!query.data) return null;
  return <Navigate to={placeOf(query.data.name, more)} replace />;
}

/** Where a path below a project of Harbor's portal leads: `repositories/a%2Fb/artifacts-tab/artifacts/sha256:…`. */
export function placeOf(project: string, [tab = "", name, ...rest]: string[]): string {
  if (tab === "repositories" && name) {
    const repository = decodeURIComponent(decodeURIComponent(name));
    const digest = rest.findLast((one) => one.startsWith("sha256:"));
    return digest ? places.artifact(project, repository, digest) : places.repository(project, repository);
  }
  const policy = tab === "tag-strategy" ? POLICIES[name ?? ""] : undefined;
  return places.project(project) + (policy ?? TABS[tab] ?? "");
}

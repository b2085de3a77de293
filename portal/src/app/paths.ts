// Where pages are. A repository's slashes are `~` in a path: no repository name holds one.

const one = encodeURIComponent;
const repository = (name: string) => name.split("/").map(one).join("~");

export const places = {
  projects: "/projects",
  project: (project: string) => `/projects/${one(project)}`,
  retention: (project: string) => `/projects/${one(project)}/policy/retention`,
  webhook: (project: string, policy: number) => `/projects/${one(project)}/webhooks/${policy}`,
  immutability: (project: string) => `/projects/${one(project)}/policy/immutability`,
  robots: (project: string) => `/projects/${one(project)}/robots`,
  access: (project: string) => `/projects/${one(project)}/access`,
  trash: (project: string) => `/projects/${one(project)}/trash`,
  repositories: (project: string) => `/projects/${one(project)}/repositories`,
  repository: (project: string, name: string) => `/projects/${one(project)}/repositories/${repository(name)}`,
  artifacts: (project: string, name: string) => `/projects/${one(project)}/repositories/${repository(name)}/artifacts`,
  history: (project: string, name: string) => `/projects/${one(project)}/repositories/${repository(name)}/history`,
  info: (project: string, name: string) => `/projects/${one(project)}/repositories/${repository(name)}/info`,
  compare: (project: string, name: string) => `/projects/${one(project)}/repositories/${repository(name)}/compare`,
  tag: (project: string, name: string, tag: string) => `/projects/${one(project)}/repositories/${repository(name)}/tags/${one(tag)}`,
  artifact: (project: string, name: string, digest: string) => `/projects/${one(project)}/repositories/${repository(name)}/artifacts/${digest}`,
};

/** `backend~api` of a path as `backend/api`. */
export const repositoryOf = (segment: string): string => segment.replaceAll("~", "/");

/** `team/backend/api` as `["team", "backend/api"]`. */
export function split(whole: string): [string, string] {
  const cut = whole.indexOf("/");
  return [whole.slice(0, cut), whole.slice(cut + 1)];
}

/** The path of `next` if it is one of this origin, else `/`. */
export function safeNext(next: string | undefined): string {
  if (!next?.startsWith("/") || next.startsWith("//") || next.includes("\\")) return "/";
  const url = new URL(next, location.origin);
  const path = url.pathname + url.search + url.hash;
  return url.origin === location.origin && !path.startsWith("//") ? path : "/";
}

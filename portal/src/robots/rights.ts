// What a robot may do, as people choose it: a few usual bundles, or each right by itself.
import type { Access, RobotPermission } from "../api/schema.ts";

export const BUNDLES = {
  pull: ["repository:pull", "repository:read", "repository:list", "artifact:read", "artifact:list", "tag:list"],
  push: ["repository:pull", "repository:push", "repository:read", "repository:list", "artifact:read", "artifact:list", "artifact:create", "tag:list", "tag:create"],
  all: ["repository:pull", "repository:push", "repository:read", "repository:list", "repository:delete", "artifact:read", "artifact:list", "artifact:create", "artifact:delete", "tag:list", "tag:create", "tag:delete", "artifact-label:create", "artifact-label:delete"],
} as const;
export type Bundle = keyof typeof BUNDLES;

export const rightsOf = (access: readonly Access[] | null | undefined): string[] => (access ?? []).map((one) => `${one.resource}:${one.action}`);

export const accessOf = (rights: Iterable<string>): Access[] =>
  [...rights].map((one) => {
    const [resource = "", action = ""] = one.split(":");
    return { resource, action };
  });

/** The bundle that these rights are exactly, or null. */
export function bundleOf(rights: readonly string[]): Bundle | null {
  const all = new Set(rights);
  return (Object.keys(BUNDLES) as Bundle[]).find((name) => BUNDLES[name].length === all.size && BUNDLES[name].every((one) => all.has(one))) ?? null;
}

/** The same rights in all projects, or in those that are named. */
export interface Grant {
  projects: "all" | string[];
  rights: string[];
}

const EVERY = "*";

/** What a robot of the system may: in the system itself, and by project, projects with the same rights together. */
export function grantsOf(permissions: readonly RobotPermission[] | null | undefined): { system: string[]; grants: Grant[] } {
  const found = new Map<string, Grant>();
  const system: string[] = [];
  for (const one of permissions ?? []) {
    const rights = rightsOf(one.access);
    if (one.kind === "system") system.push(...rights);
    else if (one.namespace === EVERY) found.set(EVERY, { projects: "all", rights });
    else {
      const key = [...rights].sort().join();
      const same = found.get(key);
      if (same && same.projects !== "all") same.projects.push(one.namespace ?? "");
      else found.set(key, { projects: [one.namespace ?? ""], rights });
    }
  }
  return { system, grants: [...found.values()] };
}

/** The same for the API; a project that is named twice gets the rights of both. */
export function permissionsOf(system: readonly string[], grants: readonly Grant[]): RobotPermission[] {
  const byProject = new Map<string, Set<string>>();
  for (const one of grants) {
    for (const name of one.projects === "all" ? [EVERY] : one.projects) byProject.set(name, new Set([...(byProject.get(name) ?? []), ...one.rights]));
  }
  return [
    ...(system.length ? [{ kind: "system", namespace: "/", access: accessOf(system) }] : []),
    ...[...byProject].filter(([, rights]) => rights.size > 0).map(([namespace, rights]) => ({ kind: "project", namespace, access: accessOf(rights) })),
  ];
}

/** Rights by resource, in the order of the list. */
export function byResource(rights: readonly string[]): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const one of rights) {
    const [resource = "", action = ""] = one.split(":");
    found.set(resource, [...(found.get(resource) ?? []), action]);
  }
  return [...found];
}

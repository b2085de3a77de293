// What a robot may do, as people choose it: a few usual bundles, or each right by itself.
import type { Access } from "../api/schema.ts";

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

/** Rights by resource, in the order of the list. */
export function byResource(rights: readonly string[]): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const one of rights) {
    const [resource = "", action = ""] = one.split(":");
    found.set(resource, [...(found.get(resource) ?? []), action]);
  }
  return [...found];
}

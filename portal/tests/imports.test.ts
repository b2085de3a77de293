// No module imports itself by a circle, types included: each can be read, tested and moved with what it imports.
import { readFileSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { expect, test } from "vitest";

const IMPORT = /^(?:import|export) [^;"]*"(\.[^"]+\.tsx?)";$/gm;

/** What each module imports at once, by its path; what it loads later is no import. */
function importsOf(read: (name: string) => string, names: readonly string[]): Map<string, string[]> {
  return new Map(names.map((name) => [name, [...read(name).matchAll(IMPORT)].map((one) => posix.join(posix.dirname(name), one[1] as string))]));
}

/** The first circle there is, as the path along it; empty: none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (name: string, path: string[]): string[] => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const next of imports.get(name) ?? []) {
      const circle = walk(next, [...path, name]);
      if (circle.length > 0) return circle;
    }
    done.add(name);
    return [];
  };
  for (const name of imports.keys()) {
    const circle = walk(name, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

test("a circle is found, of types too", () => {
  const sources: Record<string, string> = { "kit/a.ts": 'import { b } from "./b.ts";', "kit/b.ts": 'import type { C } from "../app/c.ts";', "app/c.ts": 'export { a } from "../kit/a.ts";', "app/d.ts": 'import { a } from "../kit/a.ts";' };
  expect(circleIn(importsOf((name) => sources[name] as string, Object.keys(sources)))).toEqual(["kit/a.ts", "kit/b.ts", "app/c.ts", "kit/a.ts"]);
});

test("no module of the portal is part of a circle", () => {
  const names = (readdirSync("src", { recursive: true }) as string[]).map((name) => name.replaceAll("\\", "/")).filter((name) => /\.tsx?$/.test(name) && !name.includes(".test."));
  const imports = importsOf((name) => readFileSync(`src/${name}`, "utf8"), names);
  expect([...imports.values()].flat().length).toBeGreaterThan(1000);
  expect(circleIn(imports)).toEqual([]);
});

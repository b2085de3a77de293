import { expect, test } from "vitest";
import { BUNDLES, accessOf, bundleOf, byResource, grantsOf, permissionsOf, rightsOf } from "./rights.ts";

test("rights go to the API and come back the same", () => {
  expect(rightsOf(accessOf(BUNDLES.push))).toEqual([...BUNDLES.push]);
  expect(accessOf(["repository:pull"])).toEqual([{ resource: "repository", action: "pull" }]);
  expect(rightsOf(null)).toEqual([]);
});

test("a bundle is known by its rights in any order, and by nothing less or more", () => {
  expect(bundleOf([...BUNDLES.pull].reverse())).toBe("pull");
  expect(bundleOf(["repository:pull"])).toBeNull();
  expect(bundleOf([...BUNDLES.all, "label:create"])).toBeNull();
});

test("rights over several projects come back as they were given, the same ones together", () => {
  const grants = [{ projects: ["a", "b"], rights: ["repository:pull"] }, { projects: ["c"], rights: ["repository:pull", "tag:list"] }];
  expect(grantsOf(permissionsOf(["registry:list"], grants))).toEqual({ system: ["registry:list"], grants });
  expect(permissionsOf([], [{ projects: "all", rights: ["tag:list"] }])).toEqual([{ kind: "project", namespace: "*", access: [{ resource: "tag", action: "list" }] }]);
  expect(permissionsOf([], [{ projects: ["a"], rights: ["tag:list"] }, { projects: ["a"], rights: ["tag:create"] }])).toHaveLength(1);
  expect(permissionsOf([], [{ projects: ["a"], rights: [] }])).toEqual([]);
});

test("rights stand by what they are on", () => expect(byResource(["a:read", "b:list", "a:list"])).toEqual([["a", ["read", "list"]], ["b", ["list"]]]));

// @vitest-environment jsdom
import { expect, test } from "vitest";
import { placeOf } from "./HarborPage.tsx";
import { places, repositoryOf, safeNext, split } from "./paths.ts";
import { contractQuery, parseSearch, stringifySearch } from "./search.ts";

test("slashes of a repository are one segment of the path, and come back", () => {
  expect(places.repository("team", "backend/api")).toBe("/projects/team/repositories/backend~api");
  expect(repositoryOf("backend~api~v2")).toBe("backend/api/v2");
  expect(split("team/backend/api")).toEqual(["team", "backend/api"]);
});

test.each([
  ["/projects/team?q=a", "/projects/team?q=a"], [undefined, "/"], ["", "/"], ["https://evil.example", "/"], ["//evil.example", "/"], ["/\\evil.example", "/"], ["javascript:alert(1)", "/"], ["/a/../..//evil.example", "/"],
])("after signing in %s leads to %s", (next, to) => expect(safeNext(next)).toBe(to));

test("the address holds plain fields and leaves the empty ones out", () => {
  expect(parseSearch("?q=1&f.public=true")).toEqual({ q: "1", "f.public": "true" });
  expect(stringifySearch({ q: "a b", page: undefined, sort: "" })).toBe("?q=a+b");
  expect(stringifySearch({})).toBe("");
});

test("a filter of the contract cannot be ended by what is typed", () => {
  expect(contractQuery({ name: "~a,public=true", public: undefined })).toBe("name=~apublic=true");
  expect(contractQuery({ name: "" })).toBeUndefined();
});

test("bookmarks of Harbor's portal lead to the same thing", () => {
  expect(placeOf("team", ["repositories", "backend%252Fapi", "artifacts-tab"])).toBe("/projects/team/repositories/backend~api");
  expect(placeOf("team", ["repositories", "api", "artifacts-tab", "artifacts", "sha256:ab"])).toBe("/projects/team/repositories/api/artifacts/sha256:ab");
  expect(placeOf("team", ["members"])).toBe("/projects/team/members");
  expect(placeOf("team", ["tag-strategy", "tag-retention"])).toBe("/projects/team/policy/retention");
});

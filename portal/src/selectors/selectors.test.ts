import { expect, test } from "vitest";
import { EVERYTHING, chosenOf, repositorySelector, said, tagSelector } from "./selectors.ts";

test("what was chosen comes back from the rule, turned round or not", () => {
  for (const chosen of [EVERYTHING, { ...EVERYTHING, tags: "tmp*", tagsNot: true, repositories: "a/.*", repositoryKind: "regex" as const, repositoriesNot: true }]) {
    expect(chosenOf({ tag_selectors: [tagSelector(chosen)], scope_selectors: { repository: [repositorySelector(chosen)] } })).toEqual(chosen);
  }
  expect(tagSelector({ ...EVERYTHING, tagsNot: true }).decoration).toBe("excludes");
  expect(repositorySelector({ ...EVERYTHING, repositoriesNot: true }).decoration).toBe("repoExcludes");
});

test("a rule that says nothing means everything", () => {
  expect(chosenOf({})).toEqual(EVERYTHING);
  expect(said("tmp*", true)).toBe("≠ tmp*");
});

import { expect, test } from "vitest";
import { EMPTY, cronOf, filledOf, policyOf, ruleOf, shownOf } from "./rules.ts";

test("what was filled in is what the page says of the rule", () => {
  const rule = ruleOf({ ...EMPTY, template: "nDaysSinceLastPull", count: 30, repositories: "backend/**", tags: "v*", untagged: false });
  expect(rule.params).toEqual({ nDaysSinceLastPull: 30 });
  expect(rule.tag_selectors?.[0]?.extras).toBe('{"untagged":false}');
  expect(shownOf(rule)).toEqual({ template: "nDaysSinceLastPull", count: 30, repositories: "backend/**", tags: "v*" });
  expect(ruleOf({ ...EMPTY, template: "always" }).params).toEqual({});
});

test("a rule that leaves something out is changed without losing that", () => {
  const rule = ruleOf({ ...EMPTY, tags: "tmp*", tagsNot: true, repositories: "a/.*", repositoryKind: "regex", repositoriesNot: true, untagged: false });
  expect(ruleOf(filledOf(rule))).toEqual(rule);
});

test("a rule that leaves something out is said so", () => {
  expect(shownOf({ template: "always", tag_selectors: [{ kind: "doublestar", decoration: "excludes", pattern: "tmp*" }] }).tags).toBe("≠ tmp*");
});

test("a schedule comes back from the policy", () => {
  expect(cronOf(policyOf(1, [], "0 0 2 * * *"))).toBe("0 0 2 * * *");
  expect(cronOf(null)).toBe("");
});

// A rule of retention as people fill it in, and as the contract writes it.
import type { RetentionPolicy, RetentionRule } from "../api/schema.ts";
import { EVERYTHING, chosenOf, repositorySelector, said, tagSelector, type Chosen } from "../selectors/selectors.ts";

export const TEMPLATES = ["always", "latestPushedK", "latestPulledN", "nDaysSinceLastPush", "nDaysSinceLastPull", "latestVersionK"] as const;
export type Template = (typeof TEMPLATES)[number];

export interface Filled extends Chosen {
  template: Template;
  /** Of all templates but `always`. */
  count: number;
  untagged: boolean;
}

export const EMPTY: Filled = { template: "latestPushedK", count: 10, ...EVERYTHING, untagged: true };

export function ruleOf(filled: Filled): RetentionRule {
  return {
    disabled: false,
    action: "retain",
    template: filled.template,
    params: filled.template === "always" ? {} : { [filled.template]: filled.count },
    tag_selectors: [{ ...tagSelector(filled), extras: JSON.stringify({ untagged: filled.untagged }) }],
    scope_selectors: { repository: [repositorySelector(filled)] },
  };
}

/** What a page says of a rule: template, number, repositories, tags; whatever made it. */
export function shownOf(rule: RetentionRule): { template: Template; count: number; repositories: string; tags: string } {
  const chosen = chosenOf(rule);
  return {
    template: (TEMPLATES as readonly string[]).includes(rule.template ?? "") ? (rule.template as Template) : "always",
    count: Number(Object.values(rule.params ?? {})[0] ?? 0),
    repositories: said(chosen.repositories, chosen.repositoriesNot),
    tags: said(chosen.tags, chosen.tagsNot),
  };
}

/** A rule of whoever made it, to be changed. */
export function filledOf(rule: RetentionRule): Filled {
  const { template, count } = shownOf(rule);
  return { template, count, ...chosenOf(rule), untagged: !String(rule.tag_selectors?.[0]?.extras ?? "").includes("false") };
}

/** A policy with other rules or another schedule; `cron`: six fields in UTC, empty for none. */
export function policyOf(projectId: number, rules: RetentionRule[], cron: string): RetentionPolicy {
  return { algorithm: "or", rules, trigger: { kind: "Schedule", settings: { cron } }, scope: { level: "project", ref: projectId } };
}

export const cronOf = (policy: RetentionPolicy | null | undefined): string => String(policy?.trigger?.settings?.["cron"] ?? "");

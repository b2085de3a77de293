// A rule of retention as people fill it in, and as the contract writes it.
import type { RetentionPolicy, RetentionRule } from "../api/schema.ts";

export const TEMPLATES = ["always", "latestPushedK", "latestPulledN", "nDaysSinceLastPush", "nDaysSinceLastPull", "latestVersionK"] as const;
export type Template = (typeof TEMPLATES)[number];
export const KINDS = ["doublestar", "regex", "semver"] as const;

export interface Filled {
  template: Template;
  /** Of all templates but `always`. */
  count: number;
  repositories: string;
  tagKind: (typeof KINDS)[number];
  tags: string;
  untagged: boolean;
}

export const EMPTY: Filled = { template: "latestPushedK", count: 10, repositories: "**", tagKind: "doublestar", tags: "**", untagged: true };

export function ruleOf(filled: Filled): RetentionRule {
  return {
    disabled: false,
    action: "retain",
    template: filled.template,
    params: filled.template === "always" ? {} : { [filled.template]: filled.count },
    tag_selectors: [{ kind: filled.tagKind, decoration: "matches", pattern: filled.tags, extras: JSON.stringify({ untagged: filled.untagged }) }],
    scope_selectors: { repository: [{ kind: "doublestar", decoration: "repoMatches", pattern: filled.repositories }] },
  };
}

/** What a page says of a rule: template, number, repositories, tags; whatever made it. */
export function shownOf(rule: RetentionRule): { template: Template; count: number; repositories: string; tags: string } {
  const repository = rule.scope_selectors?.["repository"]?.[0];
  const tag = rule.tag_selectors?.[0];
  const not = (decoration: string | null | undefined) => (decoration?.toLowerCase().includes("exclude") ? "≠ " : "");
  return {
    template: (TEMPLATES as readonly string[]).includes(rule.template ?? "") ? (rule.template as Template) : "always",
    count: Number(Object.values(rule.params ?? {})[0] ?? 0),
    repositories: not(repository?.decoration) + (repository?.pattern ?? "**"),
    tags: not(tag?.decoration) + (tag?.pattern ?? "**"),
  };
}

/** A policy with other rules or another schedule; `cron`: six fields in UTC, empty for none. */
export function policyOf(projectId: number, rules: RetentionRule[], cron: string): RetentionPolicy {
  return { algorithm: "or", rules, trigger: { kind: "Schedule", settings: { cron } }, scope: { level: "project", ref: projectId } };
}

export const cronOf = (policy: RetentionPolicy | null | undefined): string => String(policy?.trigger?.settings?.["cron"] ?? "");

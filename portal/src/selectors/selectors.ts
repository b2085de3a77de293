// Which repositories and which tags a rule means: as people fill it in, and as the contract writes it.

export const KINDS = ["doublestar", "regex", "semver"] as const;
export type Kind = (typeof KINDS)[number];

export interface Chosen {
  repositories: string;
  repositoryKind: Kind;
  /** Those that the pattern does not match. */
  repositoriesNot: boolean;
  tags: string;
  tagKind: Kind;
  tagsNot: boolean;
}

export const EVERYTHING: Chosen = { repositories: "**", repositoryKind: "doublestar", repositoriesNot: false, tags: "**", tagKind: "doublestar", tagsNot: false };

interface Selector {
  kind?: string | null;
  decoration?: string | null;
  pattern?: string | null;
}
interface Rule {
  tag_selectors?: Selector[] | null;
  scope_selectors?: Record<string, Selector[]> | null;
}

const kindOf = (one: Selector | undefined): Kind => KINDS.find((kind) => kind === one?.kind) ?? "doublestar";
const isNot = (one: Selector | undefined) => one?.decoration?.toLowerCase().includes("exclude") ?? false;

/** What a rule of whoever made it means: of each list the first, as the server reads it. */
export function chosenOf(rule: Rule): Chosen {
  const repository = rule.scope_selectors?.["repository"]?.[0];
  const tag = rule.tag_selectors?.[0];
  return { repositories: repository?.pattern ?? "**", repositoryKind: kindOf(repository), repositoriesNot: isNot(repository), tags: tag?.pattern ?? "**", tagKind: kindOf(tag), tagsNot: isNot(tag) };
}

export const repositorySelector = (chosen: Chosen) => ({ kind: chosen.repositoryKind, decoration: chosen.repositoriesNot ? "repoExcludes" : "repoMatches", pattern: chosen.repositories });
export const tagSelector = (chosen: Chosen) => ({ kind: chosen.tagKind, decoration: chosen.tagsNot ? "excludes" : "matches", pattern: chosen.tags });

/** Whether a pattern leaves nothing out. */
export const isEvery = (said: string): boolean => said === EVERYTHING.tags;

/** In short, for a list of rules: `≠ tmp*`. */
export const said = (pattern: string, not: boolean): string => (not ? `≠ ${pattern}` : pattern);

// Which texts are loaded together. A page waits for the texts of the entry and the frame, the common ones and those of its section.

/** Subjects whose pages share a file of texts in each language. */
export const SECTIONS = {
  repository: ["repositories", "artifacts", "inspection", "labels", "search"],
  project: ["projects", "members", "robots", "retention", "immutability", "webhooks", "access", "trash", "usage"],
  account: ["authentication", "tokens", "users", "jobs"],
  system: ["audit", "configuration", "gc", "quotas", "registries", "replication", "system"],
} as const;

export type Section = keyof typeof SECTIONS;

/**
 * `entry`: what the page for signing in shows, and what any page may; `frame`: what the frame of pages and the list of projects show
 * besides; `common`: what the pages of several sections ask for; `errors`: what is shown when something fails.
 */
export type Part = Section | "entry" | "frame" | "common" | "errors";

export const PARTS: readonly Part[] = ["entry", "frame", "common", ...(Object.keys(SECTIONS) as Section[]), "errors"];

/** The section of a subject, by the name of its folder. */
export function sectionOf(subject: string): Section {
  const section = (Object.keys(SECTIONS) as Section[]).find((one) => (SECTIONS[one] as readonly string[]).includes(subject));
  if (section === undefined) throw new Error(`i18n/sections.ts: no section has the subject ${subject}`);
  return section;
}

// The words of the page: src/locales/<language>/<area>.json, nested objects; the area is the first part of a key.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export type Words = { [key: string]: string | Words };

/** All areas of a language, by area. */
export function merged(folder: string, language: string): Record<string, Words> {
  const names = readdirSync(join(folder, language)).filter((name) => name.endsWith(".json")).sort();
  return Object.fromEntries(names.map((name) => [name.slice(0, -5), JSON.parse(readFileSync(join(folder, language, name), "utf8")) as Words]));
}

/** `area.thing.purpose` and its text, for each text; plural forms keep their suffix. */
export function flat(words: Words, before = ""): Record<string, string> {
  return Object.assign({}, ...Object.entries(words).map(([key, one]) =>
    typeof one === "string" ? { [before + key]: one } : flat(one, `${before}${key}.`))) as Record<string, string>;
}

/** All areas of a language; a word that it lacks is English, in each plural form that the language has. */
export function whole(folder: string, language: string): Record<string, Words> {
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  const fill = (english: Words, own: Words): Words => {
    const filled: Words = { ...own };
    for (const [key, one] of Object.entries(english)) {
      if (typeof one !== "string") filled[key] = fill(one, (own[key] ?? {}) as Words);
      else if (key === bare(key)) filled[key] = own[key] ?? one;
      else for (const form of forms) filled[`${bare(key)}_${form}`] ??= (english[`${bare(key)}_${form}`] ?? english[`${bare(key)}_other`]) as string;
    }
    return filled;
  };
  return fill(merged(folder, "en-US"), merged(folder, language)) as Record<string, Words>;
}

/** Areas that a reader needs when something is wrong, and never before: a file of their own in each language. */
const MORE = ["findings", "refusals"];

/** The key that is asked for: without the suffix of a plural form. */
export const bare = (key: string): string => key.replace(/_(zero|one|two|few|many|other)$/, "");

/** What the first page shows, and the page for signing in: from these, and what they import, come the words that are loaded first. */
const SHOWN_FIRST = ["main.tsx", "app/Shell.tsx", "jobs/RunningWork.tsx", "projects/ProjectsPage.tsx", "identity/SignInPage.tsx", "identity/EntryMenu.tsx"];

/** The modules that are loaded where somebody arrives, and their texts. */
export function firstModules(sources: string): Map<string, string> {
  const pages = readdirSync(sources).map((name) => `${name}/pages.ts`).filter((name) => existsSync(join(sources, name)));
  const wanted = [...SHOWN_FIRST, ...pages];
  const seen = new Map<string, string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (seen.has(name)) continue;
    const text = readFileSync(join(sources, name), "utf8");
    seen.set(name, text);
    for (const [, from] of text.matchAll(/^(?:import|export) (?!type )(?:[^;"]* from )?"(\.[^"]+\.tsx?)";$/gm)) if (!from?.includes("/generated/")) wanted.push(join(dirname(name), from ?? "").replaceAll("\\", "/"));
  }
  return seen;
}

/** Whether a key is one of those that these modules ask for: by its name, or by `area.thing.${…}`. */
export function shownFirst(sources: string): (key: string) => boolean {
  const all = [...firstModules(sources).values()].join("\n");
  const named = new Set([...all.matchAll(/"([\w]+(?:\.\w+)+)"/g)].map((one) => one[1] ?? ""));
  const begun = [...all.matchAll(/`([\w.]+)\.\$\{/g)].map((one) => `${one[1]}.`);
  return (key) => named.has(key) || begun.some((before) => key.startsWith(before));
}

/** The words whose keys are wanted, as they stand. */
export function chosen(words: Words, wanted: (key: string) => boolean, before = ""): Words {
  return Object.fromEntries(Object.entries(words).flatMap(([key, one]): [string, string | Words][] => {
    if (typeof one === "string") return wanted(bare(before + key)) ? [[key, one]] : [];
    const found = chosen(one, wanted, `${before}${key}.`);
    return Object.keys(found).length > 0 ? [[key, found]] : [];
  }));
}

/** A part of a language as `whole` has it: the `first` words, the `rest` of them, or `more` (MORE). */
export function partOf(folder: string, sources: string, language: string, part: string): Words {
  const isFirst = shownFirst(sources);
  const isMore = (key: string) => MORE.includes(key.slice(0, key.indexOf(".")));
  return chosen(whole(folder, language), (key) => part === (isMore(key) ? "more" : isFirst(key) ? "first" : "rest"));
}

/** Write the type of all keys, from English; not committed. */
export function writeKeys(folder: string, file: string): void {
  const keys = [...new Set(Object.keys(flat(merged(folder, "en-US"))).map(bare))].sort();
  const text = `// Written by scripts/words.ts from src/locales/en-US.\nexport type Key =\n${keys.map((key) => `  | ${JSON.stringify(key)}`).join("\n")};\n`;
  mkdirSync(dirname(file), { recursive: true });
  try {
    if (readFileSync(file, "utf8") === text) return;
  } catch { /* not there yet */ }
  writeFileSync(file, text);
}

if (process.argv[1]?.endsWith("words.ts")) writeKeys("src/locales", "src/generated/keys.ts");

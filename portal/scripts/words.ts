// The words of the page: src/locales/<language>/<area>.json, nested objects; the area is the first part of a key.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
const MORE = ["findings"];

/** All areas of a language as `whole` has them: those that every page needs, and the others. */
export function halves(folder: string, language: string): [Record<string, Words>, Record<string, Words>] {
  const areas = Object.entries(whole(folder, language));
  return [Object.fromEntries(areas.filter(([name]) => !MORE.includes(name))), Object.fromEntries(areas.filter(([name]) => MORE.includes(name)))];
}

/** The key that is asked for: without the suffix of a plural form. */
export const bare = (key: string): string => key.replace(/_(zero|one|two|few|many|other)$/, "");

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

// The texts of the page: src/locales/<language>/<area>.json, nested objects; the area is the first part of a key.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sectionOf, type Part } from "../src/i18n/sections.ts";

export type Texts = { [key: string]: string | Texts };

/** All areas of a language, by area. */
export function merged(folder: string, language: string): Record<string, Texts> {
  const names = readdirSync(join(folder, language)).filter((name) => name.endsWith(".json")).sort();
  return Object.fromEntries(names.map((name) => [name.slice(0, -5), JSON.parse(readFileSync(join(folder, language, name), "utf8")) as Texts]));
}

/** `area.thing.purpose` and its text, for each text; plural forms keep their suffix. */
export function flat(words: Texts, before = ""): Record<string, string> {
  return Object.assign({}, ...Object.entries(words).map(([key, one]) =>
    typeof one === "string" ? { [before + key]: one } : flat(one, `${before}${key}.`))) as Record<string, string>;
}

/** All areas of a language; a word that it lacks is English, in each plural form that the language has. */
export function whole(folder: string, language: string): Record<string, Texts> {
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  const fill = (english: Texts, own: Texts): Texts => {
    const filled: Texts = { ...own };
    for (const [key, one] of Object.entries(english)) {
      if (typeof one !== "string") filled[key] = fill(one, (own[key] ?? {}) as Texts);
      else if (key === bare(key)) filled[key] = own[key] ?? one;
      else for (const form of forms) filled[`${bare(key)}_${form}`] ??= (english[`${bare(key)}_${form}`] ?? english[`${bare(key)}_other`]) as string;
    }
    return filled;
  };
  return fill(merged(folder, "en-US"), merged(folder, language)) as Record<string, Texts>;
}

/** Areas that are shown when something fails, and never before. */
const ERRORS = ["findings", "refusals"];

/** The key that is asked for: without the suffix of a plural form. */
export const bare = (key: string): string => key.replace(/_(zero|one|two|few|many|other)$/, "");

/** What is shown before signing in, and after it in any case: with what they import, they need the texts of the `entry`. */
const ENTRY = ["main.tsx", "authentication/SignInPage.tsx", "authentication/EntryMenu.tsx"];

/** What is shown first after signing in. */
const FRAME = ["app/Shell.tsx", "jobs/RunningWork.tsx", "projects/ProjectsPage.tsx"];

/** Heads that the router loads above pages, by the section of the pages below. */
const HEADS: Record<string, string> = { "projects/ProjectFrame.tsx": "project", "repositories/RepositoryFrame.tsx": "repository" };

const IMPORT = /^(?:import|export) (?!type )(?:[^;"]* from )?"(\.[^"]+\.tsx?)";$/gm;
const LAZY_IMPORT = /import\("(\.[^"]+\.tsx?)"\)/g;

/** The modules that these import, themselves included, and their sources; `lazy`: also those that they load later. */
export function modulesOf(sources: string, roots: string[], lazy = false): Map<string, string> {
  const wanted = [...roots];
  const seen = new Map<string, string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (seen.has(name)) continue;
    const text = readFileSync(join(sources, name), "utf8");
    seen.set(name, text);
    const listsPages = name.endsWith("/pages.ts") || name === "app/router.tsx";
    for (const [, from] of [...text.matchAll(IMPORT), ...(lazy && !listsPages ? text.matchAll(LAZY_IMPORT) : [])]) if (!from?.includes("/generated/")) wanted.push(join(dirname(name), from ?? "").replaceAll("\\", "/"));
  }
  return seen;
}

const pageLists = (sources: string) => readdirSync(sources).map((name) => `${name}/pages.ts`).filter((name) => name !== "app/pages.ts" && existsSync(join(sources, name)));

/** The modules that are loaded before anything else: of the page for signing in, and with the frame. */
export const entryModules = (sources: string): Map<string, string> => modulesOf(sources, ENTRY);
export const frameModules = (sources: string): Map<string, string> => modulesOf(sources, [...ENTRY, ...FRAME, ...pageLists(sources)]);

/** Whether a key is one of those that these modules ask for: by its name, or by `area.thing.${…}`. */
export function keysOf(modules: Map<string, string>): (key: string) => boolean {
  const all = [...modules.values()].join("\n");
  const named = new Set([...all.matchAll(/"([\w]+(?:\.\w+)+)"/g)].map((one) => one[1] ?? ""));
  const begun = [...all.matchAll(/`([\w.]+)\.\$\{/g)].map((one) => `${one[1]}.`);
  return (key) => named.has(key) || begun.some((before) => key.startsWith(before));
}

/** The part that a key belongs to (src/i18n/sections.ts); what no page asks for is common. */
export function partsOf(sources: string): (key: string) => Part {
  const isEntry = keysOf(entryModules(sources));
  const isFrame = keysOf(frameModules(sources));
  const roots: Record<string, string[]> = { common: [...ENTRY, ...FRAME, "app/HarborPage.tsx"] };
  for (const list of pageLists(sources)) {
    const subject = dirname(list);
    for (const [, file] of readFileSync(join(sources, list), "utf8").matchAll(LAZY_IMPORT)) {
      const page = join(subject, file ?? "").replaceAll("\\", "/");
      if (![...ENTRY, ...FRAME].includes(page)) (roots[sectionOf(subject)] ??= []).push(page);
    }
  }
  for (const [head, section] of Object.entries(HEADS)) roots[section]?.push(head);
  const asked = Object.entries(roots).map(([part, modules]) => [part as Part, keysOf(modulesOf(sources, modules, true))] as const);
  return (key) => {
    if (ERRORS.includes(key.slice(0, key.indexOf(".")))) return "errors";
    if (isEntry(key)) return "entry";
    if (isFrame(key)) return "frame";
    const parts = asked.filter(([, asks]) => asks(key)).map(([part]) => part);
    return parts.length === 1 ? (parts[0] as Part) : "common";
  };
}

/** The words whose keys are wanted, as they stand. */
export function chosen(words: Texts, wanted: (key: string) => boolean, before = ""): Texts {
  return Object.fromEntries(Object.entries(words).flatMap(([key, one]): [string, string | Texts][] => {
    if (typeof one === "string") return wanted(bare(before + key)) ? [[key, one]] : [];
    const found = chosen(one, wanted, `${before}${key}.`);
    return Object.keys(found).length > 0 ? [[key, found]] : [];
  }));
}

let known: ((key: string) => Part) | undefined; // the same for each language

/** A part of a language as `whole` has it. */
export function partOf(folder: string, sources: string, language: string, part: Part): Texts {
  const placed = (known ??= remembered(partsOf(sources)));
  return chosen(whole(folder, language), (key) => placed(key) === part);
}

/** Forget which part a key belongs to: the sources have changed. */
export const forgetParts = (): void => { known = undefined; };

function remembered(find: (key: string) => Part): (key: string) => Part {
  const found = new Map<string, Part>();
  return (key) => {
    let part = found.get(key);
    if (part === undefined) found.set(key, (part = find(key)));
    return part;
  };
}

/** Write the type of all keys, from English; not committed. */
export function writeKeys(folder: string, file: string): void {
  const keys = [...new Set(Object.keys(flat(merged(folder, "en-US"))).map(bare))].sort();
  const text = `// Written by scripts/texts.ts from src/locales/en-US.\nexport type Key =\n${keys.map((key) => `  | ${JSON.stringify(key)}`).join("\n")};\n`;
  mkdirSync(dirname(file), { recursive: true });
  try {
    if (readFileSync(file, "utf8") === text) return;
  } catch { /* not there yet */ }
  writeFileSync(file, text);
}

if (process.argv[1]?.endsWith("texts.ts")) writeKeys("src/locales", "src/generated/keys.ts");

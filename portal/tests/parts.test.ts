// Which texts are loaded when: those of the first page at once, those of a section with its pages, those of errors when something fails.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { expect, test } from "vitest";
import { frameModules, flat, merged, partOf, partsOf, whole } from "../scripts/texts.ts";
import { PARTS, SECTIONS, sectionOf } from "../src/i18n/sections.ts";

const english = Object.keys(flat(merged("src/locales", "en-US")));
const placed = partsOf("src");

test("the texts of the entry are those of signing in, those of the frame what every page and the list of projects show", () => {
  for (const key of ["identity.signIn.title", "problems.offline", "shell.missing.title"]) expect(placed(key), key).toBe("entry");
  for (const key of ["shell.search", "projects.title", "kit.table.range", "gc.title", "members.title"]) expect(placed(key), key).toBe("frame");
  expect(english.filter((key) => ["entry", "frame"].includes(placed(key))).length).toBeLessThan(english.length / 4);
});

test("other texts come with the section whose pages ask for them, and are common where several do", () => {
  expect(placed("gc.logOf")).toBe("system");
  expect(placed("compare.swap")).toBe("repository");
  expect(placed("members.add.title")).toBe("project");
  expect(placed("artifacts.push.title")).toBe("common");
  expect(placed("refusals.NAME_TAKEN")).toBe("errors");
});

test("the parts of a language are all of its texts, each once", () => {
  const all = PARTS.flatMap((part) => Object.keys(flat(partOf("src/locales", "src", "ru-RU", part))));
  expect(new Set(all).size).toBe(all.length);
  expect(all.sort()).toEqual(Object.keys(flat(whole("src/locales", "ru-RU"))).sort());
  for (const part of PARTS) expect(Object.keys(partOf("src/locales", "src", "en-US", part)), part).not.toEqual([]);
});

test("each subject with pages has a section, and no section has a subject that is gone", () => {
  const subjects = readdirSync("src").filter((one) => one !== "app" && existsSync(`src/${one}/pages.ts`));
  for (const one of subjects) expect(() => sectionOf(one)).not.toThrow();
  expect(Object.values(SECTIONS).flat().sort()).toEqual(subjects.sort());
});

test("what the first page loads later comes with its texts", () => {
  const modules = frameModules("src");
  const later = [...modules].flatMap(([name, text]) => [...text.matchAll(/lazy\(\(\) => import\("(.*?)"\)/g)].map((one) => posix.join(posix.dirname(name), one[1] ?? "")));
  expect(later).toContain("jobs/RunningWork.tsx");
  expect(later.filter((name) => !modules.has(name)), "wants lazyPart(() => import(…))").toEqual([]);
});

test("each entry of the rail has an icon", () => {
  const text = (name: string) => readdirSync("src").filter((one) => one !== "app" && existsSync(`src/${one}/${name}.ts`)).map((one) => readFileSync(`src/${one}/${name}.ts`, "utf8")).join("\n");
  const entries = [...text("pages").matchAll(/path: "([^"]+)"[^\n]* rail: /g)].map((one) => one[1]);
  const icons = [...text("icons").matchAll(/"(\/[^"]*)": Icon/g)].map((one) => one[1]);
  expect(entries.length).toBeGreaterThan(10);
  expect(icons.sort()).toEqual(entries.sort());
});

// What the first page loads of the words: all that it asks for, and little else.
import { posix } from "node:path";
import { expect, test } from "vitest";
import { chosen, firstModules, flat, merged, partOf, shownFirst, whole } from "../scripts/words.ts";

const english = flat(merged("src/locales", "en-US"));
const isFirst = shownFirst("src");

test("the words of the first page are those of the frame, of projects and of signing in", () => {
  for (const key of ["shell.search", "projects.title", "identity.signIn.title", "kit.table.range", "gc.title", "members.title", "problems.offline"]) expect(isFirst(key), key).toBe(true);
  for (const key of ["gc.logOf", "artifacts.deleteTags.submit", "users.import.done"]) expect(isFirst(key), key).toBe(false);
});

test("first words and the others are all words, each once", () => {
  const all = merged("src/locales", "en-US");
  const first = flat(chosen(all, isFirst));
  const rest = flat(chosen(all, (key) => !isFirst(key)));
  expect(Object.keys(first).length).toBeLessThan(Object.keys(english).length / 2);
  expect({ ...first, ...rest }).toEqual(english);
  expect(Object.keys(first).filter((key) => key in rest)).toEqual([]);
});

test("a part of a language that is asked for has what the others do not", () => {
  const part = (name: string) => Object.keys(flat(partOf("src/locales", "src", "ru-RU", name)));
  const all = [...part("first"), ...part("rest"), ...part("more")];
  expect(new Set(all).size).toBe(all.length);
  expect(all.sort()).toEqual(Object.keys(flat(whole("src/locales", "ru-RU"))).sort());
});

test("what the first page loads later comes with its words", () => {
  const modules = firstModules("src");
  const later = [...modules].flatMap(([name, text]) => [...text.matchAll(/lazy\(\(\) => import\("(.*?)"\)/g)].map((one) => posix.join(posix.dirname(name), one[1] ?? "")));
  expect(later).toContain("jobs/RunningWork.tsx");
  expect(later.filter((name) => !modules.has(name)), "wants later(() => import(…))").toEqual([]);
});

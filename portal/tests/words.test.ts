// The words: every key that is asked for is there in every language, every one that is there is asked for, with the same fields.
import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { bare, flat, merged } from "../scripts/words.ts";

const LOCALES = "src/locales";
const languages = readdirSync(LOCALES, { withFileTypes: true }).filter((one) => one.isDirectory()).map((one) => one.name);
const english = flat(merged(LOCALES, "en-US"));
const keys = new Set(Object.keys(english).map(bare));
const fields = (text: string) => [...new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map((one) => one[1]))].sort();
const sources = (readdirSync("src", { recursive: true }) as string[]).filter((name) => /\.tsx?$/.test(name) && !name.includes(".test.") && !name.startsWith("generated")).map((name) => readFileSync(`src/${name}`, "utf8"));

test.each(languages)("%s has every word of English, with the plural forms that it needs and the same fields", (language) => {
  const words = flat(merged(LOCALES, language));
  expect([...new Set(Object.keys(words).map(bare))].sort()).toEqual([...keys].sort());
  const plural = new Set(Object.keys(english).filter((key) => key.endsWith("_other")).map(bare));
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  for (const key of plural) for (const form of forms) expect(words, `${language}: ${key}`).toHaveProperty([`${key}_${form}`]);
  for (const [key, text] of Object.entries(words)) {
    const same = english[key] ?? english[`${bare(key)}_other`] ?? "";
    // A plural form may name the number or leave it to the word: "one tag".
    const without = (all: (string | undefined)[]) => (key === bare(key) ? all : all.filter((one) => one !== "count"));
    expect(without(fields(text)), `${language}: ${key}`).toEqual(without(fields(same)));
    expect(text.trim(), `${language}: ${key}`).not.toBe("");
  }
});

test("every word is used", () => {
  const all = sources.join("\n");
  const dynamic = [...all.matchAll(/t\(`([\w.]+)\.\$\{/g)].map((one) => `${one[1]}.`);
  const unused = [...keys].filter((key) => !all.includes(`"${key}"`) && !dynamic.some((before) => key.startsWith(before)));
  expect(unused).toEqual([]);
});

test("Chinese has full-width signs and a space between Han and Latin words", () => {
  for (const [key, text] of Object.entries(flat(merged(LOCALES, "zh-CN")))) {
    expect(text, key).not.toMatch(/[\u4e00-\u9fff][,;:?!]/);
    expect(text.replace(/[“”]/g, " "), key).not.toMatch(/[\u4e00-\u9fff][A-Za-z0-9{]|[A-Za-z0-9}][\u4e00-\u9fff]/);
    expect(text, key).not.toContain("您");
  }
});

// The words: every key that is asked for is there in every language, every one that is there is asked for, with the same fields.
import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { bare, flat, merged, whole } from "../scripts/texts.ts";
import { LANGUAGES, nearestLanguage } from "../src/i18n/languages.ts";
import { Translator, type Key } from "../src/i18n/translator.ts";
import { SAME } from "./same.ts";

const LOCALES = "src/locales";
const languages = readdirSync(LOCALES, { withFileTypes: true }).filter((one) => one.isDirectory()).map((one) => one.name);
const translated = languages.filter((one) => one !== "en-US");
/** Languages that lack nothing: all. A word that one lacks for a while, taken off this list, is shown in English. */
const COMPLETE = languages;
const english = flat(merged(LOCALES, "en-US"));
const keys = new Set(Object.keys(english).map(bare));
const plural = new Set(Object.keys(english).filter((key) => key.endsWith("_other")).map(bare));
const fields = (text: string) => [...new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map((one) => one[1]))].sort();
const sources = (readdirSync("src", { recursive: true }) as string[]).filter((name) => /\.tsx?$/.test(name) && !name.includes(".test.") && !name.startsWith("generated")).map((name) => readFileSync(`src/${name}`, "utf8"));
/** The English of a word, also of a plural form that English does not have. */
const source = (key: string) => english[key] ?? english[`${bare(key)}_other`] ?? "";

test("the menu has the languages that have words", () => {
  expect(Object.keys(LANGUAGES).sort()).toEqual([...languages].sort());
});

test.each(languages)("%s lacks no word of English and has none of its own", (language) => {
  const own = new Set(Object.keys(flat(merged(LOCALES, language))).map(bare));
  const lacks = [...keys].filter((key) => !own.has(key));
  const unknown = [...own].filter((key) => !keys.has(key));
  if (COMPLETE.includes(language)) expect({ lacks, unknown }).toEqual({ lacks: [], unknown: [] });
});

test.each(languages)("%s has exactly the plural forms that it needs", (language) => {
  const words = flat(merged(LOCALES, language));
  const rules = new Intl.PluralRules(language);
  const forms = rules.resolvedOptions().pluralCategories.map(String);
  const wanted = (key: string) => (plural.has(key) ? forms.map((form) => `${key}_${form}`) : [key]);
  const known = [...new Set(Object.keys(words).map(bare))].filter((key) => keys.has(key));
  expect(known.flatMap(wanted).sort()).toEqual(Object.keys(words).filter((key) => keys.has(bare(key))).sort());
  // "One tag" may leave the number out where that form is for nothing but one; Russian's is for 21, too.
  const wordless = Object.entries(words).filter(([key, text]) => key !== bare(key) && words[`${bare(key)}_other`]?.includes("{{count}}") && !text.includes("{{count}}"));
  expect(wordless.filter(([key]) => !key.endsWith("_one") || rules.select(21) === "one")).toEqual([]);
});

test.each(languages)("%s has the same fields as English, and no empty word", (language) => {
  const without = (key: string, text: string) => fields(text).filter((one) => key === bare(key) || one !== "count").join();
  const words = Object.entries(flat(merged(LOCALES, language)));
  expect(words.filter(([key, text]) => keys.has(bare(key)) && without(key, text) !== without(key, source(key)))).toEqual([]);
  expect(words.filter(([, text]) => /[{}<>]|^\s|\s$|^$| {2}/.test(text.replace(/\{\{\w+\}\}/g, "x")))).toEqual([]);
});

const SCRIPT: Record<string, RegExp> = { "ru-RU": /\p{Script=Cyrillic}/u, "ko-KR": /\p{Script=Hangul}/u, "ja-JP": /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u, "zh-CN": /\p{Script=Han}/u, "zh-TW": /\p{Script=Han}/u };

test.each(translated)("%s says nothing in English by oversight", (language) => {
  const script = SCRIPT[language];
  const latin = (text: string) => script !== undefined && /\p{Script=Latin}/u.test(text.replace(/\{\{\w+\}\}/g, "")) && !script.test(text);
  const alike = new Set(Object.entries(flat(merged(LOCALES, language))).filter(([key, text]) => text === source(key) || latin(text)).map(([, text]) => text));
  const own = SAME[language] ?? [];
  expect([...alike].filter((text) => ![...(SAME["all"] ?? []), ...own].includes(text))).toEqual([]);
  if (COMPLETE.includes(language)) expect(own.filter((text) => !alike.has(text)), "allowed, and not used").toEqual([]);
});

test.each(translated)("%s ends its words as English does: a question, a sentence, a step to come", (language) => {
  const sign = (text: string) => ({ "。": ".", "？": "?" })[text.at(-1) ?? ""] ?? (/[.?…]$/.test(text) ? text.at(-1) : "");
  const number = "artifacts.layers.number"; // No. is №
  expect(Object.entries(flat(merged(LOCALES, language))).filter(([key, text]) => keys.has(bare(key)) && key !== number && sign(text) !== sign(source(key)))).toEqual([]);
});

test("every word is used", () => {
  const all = sources.join("\n");
  const dynamic = [...all.matchAll(/(?:t|template|find)\(`([\w.]+)\.\$\{/g)].map((one) => `${one[1]}.`);
  const unused = [...keys].filter((key) => !all.includes(`"${key}"`) && !dynamic.some((before) => key.startsWith(before)));
  expect(unused).toEqual([]);
});

test.each(["zh-CN", "zh-TW"])("%s has full-width signs and a space between Han and Latin words", (language) => {
  for (const [key, text] of Object.entries(flat(merged(LOCALES, language)))) {
    expect(text, key).not.toMatch(/[\u4e00-\u9fff][,;:?!]/);
    expect(text.replace(/[“”「」]/g, " "), key).not.toMatch(/[\u4e00-\u9fff][A-Za-z0-9{]|[A-Za-z0-9}][\u4e00-\u9fff]/);
    expect(text, key).not.toContain("您");
  }
});

test("the signs are those of the language: quotes, French spaces, traditional characters", () => {
  const foreign: Record<string, RegExp> = {
    "de-DE": /["”«»]/, "fr-FR": /["“”„']| [:;?!»](?!\/)|« |\p{L}[;?!»]/u, "es-ES": /["“”„]/, "pt-BR": /["„«»]/, "ru-RU": /["“”„]/, "tr-TR": /["„«»]/,
    "ja-JP": /["“”„«»]|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}][,?!;]/u, "ko-KR": /["„«»。，？]/, "zh-CN": /["「」„«»]/,
    "zh-TW": /["“”„«»们这说对应为创删储间标签项执备选择镜仅级组织数据库设证书录检认页权让链类询务动开关闭号边过运载输进单从两门问题请谁调试误账态处区读写码户后]/,
  };
  const found = Object.entries(foreign).flatMap(([language, sign]) => Object.entries(flat(merged(LOCALES, language))).filter(([, text]) => sign.test(text.replace(/\{\{\w+\}\}/g, "x"))).map((one) => [language, ...one]));
  expect(found).toEqual([]);
});

test("each field of a message has a note for translators, with an example that stands well in it", () => {
  const notes = JSON.parse(readFileSync(`${LOCALES}/notes.json`, "utf8")) as Record<string, [string, string]>;
  const noteOf = (key: string, field: string) => [key, `${key.split(".")[0]}.${field}`, field].find((one) => one in notes);
  const used = new Set<string | undefined>();
  const without = Object.entries(english).flatMap(([key, text]) => fields(text).filter((field) => {
    used.add(noteOf(key, field as string));
    return noteOf(key, field as string) === undefined;
  }).map((field) => `${key}: ${field}`));
  expect(without).toEqual([]);
  expect(Object.keys(notes).filter((one) => !used.has(one)), "notes of nothing").toEqual([]);
  expect(Object.entries(notes).filter(([, [what, example]]) => what === "" || example === "")).toEqual([]);
});

test("the voice: nobody is begged, praised or blamed; buttons say what they do; labels are no sentences", () => {
  const said = Object.entries(english);
  expect(said.filter(([, text]) => /\b(please|oops|sorry|successful(ly)?|invalid|illegal|for ever)\b/i.test(text)), "words that are not ours").toEqual([]);
  for (const language of languages) expect(Object.entries(flat(merged(LOCALES, language))).filter(([, text]) => /[!！]/.test(text)), language).toEqual([]);
  const buttons = said.filter(([key]) => /\.(submit|action|open)(_\w+)?$/.test(key));
  expect(buttons.length).toBeGreaterThan(60);
  expect(buttons.filter(([, text]) => /^(OK|Yes|No|Submit|Confirm|Go)$/i.test(text) || /[.?]$/.test(text))).toEqual([]);
  const labels = said.filter(([key]) => /(^|\.)(column|label|section|group|kind)\.|\.(title|label|tab)(_\w+)?$/.test(key));
  expect(labels.length).toBeGreaterThan(200);
  expect(labels.filter(([, text]) => text.endsWith(".") && !text.endsWith("No."))).toEqual([]);
  // Sentence case: a word within is small, but for names and terms that are written with a capital.
  const names = /\b(REST|API|OCI|Harbor|Moorage|Docker|LDAP|OpenID|Connect|CA|URL|DN|SBOM|UTC|ISO|JSON|HTTP|CloudEvents|Slack|StartTLS|TLS|CLI|Client|ID|PEM|StandardWebhooks|GiB|MiB|RE2|OpenAPI|S3|Markdown|Cron|Syslog|No|I)\b|“[^”]*”|\{\{\w+\}\}|\([^)]*\)/g;
  expect(said.filter(([key]) => labels.some(([one]) => one === key) || buttons.some(([one]) => one === key)).filter(([, text]) => /\S [A-Z]/.test(text.replace(names, "x")))).toEqual([]);
});

test.each([["de-DE", /\b(du|dich|dir|deine?[mnrs]?|euch)\b/], ["fr-FR", /(?<!\p{L})(tu|toi|tes)(?!\p{L})/iu], ["es-ES", /\b(tú|tu|tus|tienes|puedes)\b/i], ["pt-BR", /\b(tu|teu|tua)\b/i], ["ko-KR", /(세요|해요|어요|예요)/], ["ja-JP", /(して下さい|する。|である。|だ。)/], ["ru-RU", /(?<=[\p{Ll},] )Вы\b|\bещe?е\b|вебхук/u]])("%s speaks to people as the glossary says", (language, other) => {
  expect(Object.entries(flat(merged(LOCALES, language))).filter(([, text]) => other.test(text))).toEqual([]);
});

test("French has a no-break space before each sign that has two parts", () => {
  for (const [key, text] of Object.entries(flat(merged(LOCALES, "fr-FR")))) expect(text, key).not.toMatch(/[\p{L}\p{N})}][:;?!](\s|$)/u);
});

test("a word that a language lacks is English, in each plural form that the language has", () => {
  for (const language of languages) {
    const words = Object.keys(flat(whole(LOCALES, language)));
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    expect([...keys].flatMap((key) => (plural.has(key) ? forms.map((form) => `${key}_${form}`) : [key])).filter((key) => !words.includes(key)), language).toEqual([]);
  }
});

test.each([["zh-HK", "zh-TW"], ["zh-Hant", "zh-TW"], ["zh-SG", "zh-CN"], ["zh", "zh-CN"], ["pt-PT", "pt-BR"], ["de-AT", "de-DE"], ["EN-gb", "en-US"], ["ja", "ja-JP"], ["sr-Latn", undefined], ["not a tag", undefined]])("who wants %s gets %s", (wish, ours) => {
  expect(nearestLanguage(wish)).toBe(ours);
});

test("counts are written as the language writes them, and take its plural form", () => {
  const translator = new Translator();
  for (const one of languages) translator.add(one, whole(LOCALES, one));
  const text = (language: string, key: Key, values: Record<string, string | number>) => {
    translator.setLanguage(language);
    return translator.translate(key, values);
  };
  const said = (language: string, count: number) => text(language, "artifacts.deleteTags.submit", { count });
  expect(said("en-US", 12_345)).toBe("Delete 12,345 tags");
  expect(said("de-DE", 12_345)).toBe("12.345 Tags löschen");
  expect([1, 2, 5, 21].map((count) => said("ru-RU", count))).toEqual(["Удалить 1 тег", "Удалить 2 тега", "Удалить 5 тегов", "Удалить 21 тег"]);
  expect(said("es-ES", 1_000_000)).toBe("Eliminar 1.000.000 de tags");
  expect(said("ja-JP", 3)).toBe("3 個のタグを削除");
  expect(text("de-DE", "gc.logOf", { id: 12_345 })).toBe("Log von Lauf 12345"); // a name, not a count
});

// The words of the page: `const t = useWords()`, then `t("projects.list.title")`. Keys are checked by the compiler.
import i18next, { type FormatterModule, type i18n } from "i18next";
import { useEffect, useState } from "react";
import { initReactI18next, useTranslation } from "react-i18next";
import { number } from "../kit/format.ts";
import type { Key } from "../generated/keys.ts";

export type { Key };
export type Translate = (key: Key, values?: Record<string, string | number>) => string;

/** Languages with all of their words, in the order of the menu, each by its own name. */
export const LANGUAGES = {
  "en-US": "English", "de-DE": "Deutsch", "es-ES": "Español", "fr-FR": "Français", "pt-BR": "Português (Brasil)", "ru-RU": "Русский", "tr-TR": "Türkçe",
  "ja-JP": "日本語", "ko-KR": "한국어", "zh-CN": "简体中文", "zh-TW": "繁體中文",
} as const;
export type Language = keyof typeof LANGUAGES;
const ALL = Object.keys(LANGUAGES) as Language[];

type Fetched = Record<Language, () => Promise<{ default: object }>>;

/** Each language is two files, asked for when it is spoken: what the first page shows, */
const FIRST: Fetched = {
  "en-US": () => import("virtual:words/en-US"), "de-DE": () => import("virtual:words/de-DE"), "es-ES": () => import("virtual:words/es-ES"),
  "fr-FR": () => import("virtual:words/fr-FR"), "pt-BR": () => import("virtual:words/pt-BR"), "ru-RU": () => import("virtual:words/ru-RU"),
  "tr-TR": () => import("virtual:words/tr-TR"), "ja-JP": () => import("virtual:words/ja-JP"), "ko-KR": () => import("virtual:words/ko-KR"),
  "zh-CN": () => import("virtual:words/zh-CN"), "zh-TW": () => import("virtual:words/zh-TW"),
};
/** and all other words. */
const REST: Fetched = {
  "en-US": () => import("virtual:words/en-US/rest"), "de-DE": () => import("virtual:words/de-DE/rest"), "es-ES": () => import("virtual:words/es-ES/rest"),
  "fr-FR": () => import("virtual:words/fr-FR/rest"), "pt-BR": () => import("virtual:words/pt-BR/rest"), "ru-RU": () => import("virtual:words/ru-RU/rest"),
  "tr-TR": () => import("virtual:words/tr-TR/rest"), "ja-JP": () => import("virtual:words/ja-JP/rest"), "ko-KR": () => import("virtual:words/ko-KR/rest"),
  "zh-CN": () => import("virtual:words/zh-CN/rest"), "zh-TW": () => import("virtual:words/zh-TW/rest"),
};
const KEPT = "moorage-language";

/** The language that was chosen, else the first of the browser's that we have. */
export function preferred(): Language {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch { /* no storage */ }
  if (kept !== null && kept in LANGUAGES) return kept as Language;
  for (const wish of navigator.languages) {
    const found = nearest(wish);
    if (found !== undefined) return found;
  }
  return "en-US";
}

/** Ours for a tag of BCP 47: the same, else the same language in the same script: `zh-HK` is `zh-TW`, `pt` is `pt-BR`. */
export function nearest(wish: string): Language | undefined {
  const exact = ALL.find((one) => one.toLowerCase() === wish.toLowerCase());
  if (exact !== undefined) return exact;
  try {
    const asked = new Intl.Locale(wish).maximize();
    return ALL.find((one) => {
      const ours = new Intl.Locale(one).maximize();
      return ours.language === asked.language && ours.script === asked.script;
    });
  } catch {
    return undefined; // no tag of a language
  }
}

const there = new Set<() => Promise<unknown>>(); // what was fetched
let wanted = false; // all words, not those of the first page only
let speaking: Promise<unknown> = Promise.resolve();

async function fetchWords(language: Language, part: Fetched): Promise<void> {
  const fetched = part[language];
  if (there.has(fetched)) return;
  i18next.addResourceBundle(language, "translation", (await fetched()).default, true);
  there.add(fetched);
}

/** All words of the language that is spoken: every page but the first waits for them. */
export async function allWords(): Promise<void> {
  wanted = true;
  await speaking; // another language, perhaps
  await fetchWords(i18next.language as Language, REST);
}

/** A page, or a part of one, that is loaded when it is wanted: with its words. */
export async function withWords<T>(module: Promise<T>): Promise<T> {
  return (await Promise.all([module, allWords()]))[0];
}

/** Load a language's words and use them everywhere; kept for the next visit when it was chosen. */
export async function speak(language: Language, chosen = false): Promise<void> {
  if (chosen) {
    try {
      localStorage.setItem(KEPT, language);
    } catch { /* it holds for this page */ }
  }
  const words = Promise.all([fetchWords(language, FIRST), ...(wanted ? [fetchWords(language, REST)] : [])]).then(() => i18next.changeLanguage(language));
  speaking = words.catch(() => undefined);
  await words;
  document.documentElement.lang = language;
}

/** A `{{count}}` gets the separators of the language; other fields are given as they should be read. */
export const COUNTS: FormatterModule = {
  type: "formatter",
  init: () => undefined,
  add: () => undefined,
  addCached: () => undefined,
  format: (value: unknown, _format, language, options) => (options?.["interpolationkey"] === "count" && typeof value === "number" ? number(value, language ?? "en-US") : value) as string,
};

/** Prepare i18next and load the first language. */
export async function startWords(): Promise<i18n> {
  await i18next.use(initReactI18next).use(COUNTS).init({
    lng: "none",
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false, alwaysFormat: true }, // React escapes; nothing here becomes markup
    returnNull: false,
    react: { useSuspense: false, transSupportBasicHtmlNodes: false },
  });
  await speak(preferred());
  window.addEventListener("storage", (event) => { // another tab chose a language
    if (event.key === KEPT && event.newValue !== null && event.newValue in LANGUAGES) void speak(event.newValue as Language);
  });
  return i18next;
}

/** The function that gives words in the reader's language. */
export function useWords(): Translate {
  return useTranslation().t as unknown as Translate;
}

const missed = new Set<string>();
const isWhole = (words: i18n) => words.exists("findings.other") || missed.has(words.language);

/** See that the words for what goes wrong are there, in the reader's language; where they cannot be loaded, it is done without. */
export async function moreWords(words: i18n): Promise<void> {
  const { language } = words;
  if (isWhole(words) || !(language in LANGUAGES)) return;
  try {
    words.addResourceBundle(language, "translation", await (await import("./more.ts")).more(language as Language), true);
  } catch {
    missed.add(language);
  }
}

/** Whether the words for what goes wrong are there; it asks for them when they are `wanted`. */
export function useMoreWords(wanted = true): boolean {
  const { i18n: words } = useTranslation();
  const [, setAsked] = useState(0);
  const ready = !wanted || isWhole(words);
  useEffect(() => {
    if (ready) return undefined;
    let here = true;
    void moreWords(words).then(() => { if (here) setAsked((count) => count + 1); });
    return () => { here = false; };
  }, [words, words.language, ready]);
  return ready;
}

/** The reader's language, for `Intl`. */
export function useLanguage(): string {
  return useTranslation().i18n.language;
}

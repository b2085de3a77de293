// The words of the page: `const t = useWords()`, then `t("projects.list.title")`. Keys are checked by the compiler.
import i18next, { type i18n } from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";
import type { Key } from "../generated/keys.ts";

export type { Key };
export type Translate = (key: Key, values?: Record<string, string | number>) => string;

/** Languages with all of their words, in the order of the menu, each by its own name. */
export const LANGUAGES = { "en-US": "English", "zh-CN": "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

const FETCH: Record<Language, () => Promise<{ default: object }>> = {
  "en-US": () => import("virtual:words/en-US"),
  "zh-CN": () => import("virtual:words/zh-CN"),
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
    const exact = (Object.keys(LANGUAGES) as Language[]).find((one) => one.toLowerCase() === wish.toLowerCase());
    const near = (Object.keys(LANGUAGES) as Language[]).find((one) => one.split("-")[0] === wish.split("-")[0]?.toLowerCase());
    if (exact ?? near) return (exact ?? near) as Language;
  }
  return "en-US";
}

/** Load a language's words and use them everywhere; kept for the next visit when it was chosen. */
export async function speak(language: Language, chosen = false): Promise<void> {
  if (chosen) {
    try {
      localStorage.setItem(KEPT, language);
    } catch { /* it holds for this page */ }
  }
  if (!i18next.hasResourceBundle(language, "translation")) {
    i18next.addResourceBundle(language, "translation", (await FETCH[language]()).default);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

/** Prepare i18next and load the first language. */
export async function startWords(): Promise<i18n> {
  await i18next.use(initReactI18next).init({
    lng: "none",
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false }, // React escapes; nothing here becomes markup
    returnNull: false,
    react: { useSuspense: false, transSupportBasicHtmlNodes: false },
  });
  await speak(preferred());
  return i18next;
}

/** The function that gives words in the reader's language. */
export function useWords(): Translate {
  return useTranslation().t as unknown as Translate;
}

/** The reader's language, for `Intl`. */
export function useLanguage(): string {
  return useTranslation().i18n.language;
}

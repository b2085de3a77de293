// The languages of the portal, and which of them a reader is given.

/** Languages with all of their texts, in the order of the menu, each by its own name. */
export const LANGUAGES = {
  "en-US": "English", "de-DE": "Deutsch", "es-ES": "Español", "fr-FR": "Français", "pt-BR": "Português (Brasil)", "ru-RU": "Русский", "tr-TR": "Türkçe",
  "ja-JP": "日本語", "ko-KR": "한국어", "zh-CN": "简体中文", "zh-TW": "繁體中文",
} as const;
export type Language = keyof typeof LANGUAGES;
const ALL = Object.keys(LANGUAGES) as Language[];

/** Where the browser keeps the language that was chosen. */
export const STORAGE_KEY = "moorage-language";

export const isLanguage = (value: unknown): value is Language => typeof value === "string" && value in LANGUAGES;

/** The language that was chosen, else the first of the browser's that we have. */
export function preferredLanguage(): Language {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORAGE_KEY);
  } catch { /* no storage */ }
  if (isLanguage(stored)) return stored;
  for (const wish of navigator.languages) {
    const match = nearestLanguage(wish);
    if (match !== undefined) return match;
  }
  return "en-US";
}

/** Ours for a tag of BCP 47: the same, else the same language in the same script: `zh-HK` is `zh-TW`, `pt` is `pt-BR`. */
export function nearestLanguage(wish: string): Language | undefined {
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

// Words for what goes wrong: the other half of each language, loaded when something does.
import type { Language } from "./words.ts";

const FETCH: Record<Language, () => Promise<{ default: object }>> = {
  "en-US": () => import("virtual:words/en-US/more"), "de-DE": () => import("virtual:words/de-DE/more"), "es-ES": () => import("virtual:words/es-ES/more"), "fr-FR": () => import("virtual:words/fr-FR/more"),
  "pt-BR": () => import("virtual:words/pt-BR/more"), "ru-RU": () => import("virtual:words/ru-RU/more"), "tr-TR": () => import("virtual:words/tr-TR/more"),
  "ja-JP": () => import("virtual:words/ja-JP/more"), "ko-KR": () => import("virtual:words/ko-KR/more"), "zh-CN": () => import("virtual:words/zh-CN/more"), "zh-TW": () => import("virtual:words/zh-TW/more"),
};

export const more = async (language: Language): Promise<object> => (await FETCH[language]()).default;

// Texts for parts of the page: `const t = useTranslate()`, then `t("projects.list.title")`. The compiler checks the keys.
import { createContext, use, useEffect, useState, useSyncExternalStore } from "react";
import { loadTexts, translator } from "./loading.ts";
import type { Translate, Translator } from "./translator.ts";

/** The translator of the parts below; tests give one of their own. */
export const TranslatorContext = createContext(translator);

export const useTranslator = (): Translator => use(TranslatorContext);

/** The function that gives texts in the reader's language. */
export function useTranslate(): Translate {
  const own = useTranslator();
  return useSyncExternalStore(own.subscribe, () => own.translate);
}

/** The reader's language, for `Intl`. */
export function useLanguage(): string {
  const own = useTranslator();
  return useSyncExternalStore(own.subscribe, () => own.language);
}

const failed = new Set<string>(); // languages whose texts of errors could not be loaded
const areLoaded = (own: Translator): boolean => own.template("findings.other") !== undefined || failed.has(own.language);

/** Load the texts of errors in the reader's language; where that fails, the page does without. */
export async function loadErrorTexts(own: Translator): Promise<void> {
  if (areLoaded(own)) return;
  const { language } = own;
  await loadTexts("errors").catch(() => failed.add(language));
}

/** Whether the texts of errors are there; they are loaded as soon as they are `wanted`. */
export function useErrorTexts(wanted = true): boolean {
  const own = useTranslator();
  const language = useLanguage();
  const [, setCount] = useState(0);
  const ready = !wanted || areLoaded(own);
  useEffect(() => {
    if (ready) return undefined;
    let mounted = true;
    void loadErrorTexts(own).then(() => { if (mounted) setCount((count) => count + 1); });
    return () => { mounted = false; };
  }, [own, language, ready]);
  return ready;
}

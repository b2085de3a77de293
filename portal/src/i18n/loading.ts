// Loads the texts of a language in parts, each when it is first needed.
import loaders from "virtual:texts";
import { isLanguage, preferredLanguage, STORAGE_KEY, type Language } from "./languages.ts";
import type { Part } from "./sections.ts";
import { Translator } from "./translator.ts";

/** The translator of this page. */
export const translator = new Translator();

const needed = new Set<Part>(["entry"]); // in whichever language is spoken
const loads = new Map<string, Promise<void>>();
let change: Promise<unknown> = Promise.resolve(); // of the language

/** Load a part of a language, once; one that failed is asked for again. */
function load(language: Language, part: Part): Promise<void> {
  const name = `${language}/${part}`;
  let loading = loads.get(name);
  if (loading === undefined) {
    loading = (loaders[name] as () => Promise<{ default: object }>)().then((module) => translator.add(language, module.default as never));
    loads.set(name, loading);
    loading.catch(() => loads.delete(name));
  }
  return loading;
}

/** Load parts of the language that is spoken, and from now on of each other that is chosen. */
export async function loadTexts(...parts: Part[]): Promise<void> {
  for (const one of parts) needed.add(one);
  await change;
  const { language } = translator;
  if (isLanguage(language)) await Promise.all(parts.map((one) => load(language, one))); // else the first language brings them
}

/** A module that is loaded when it is needed, together with its texts. */
export async function withTexts<T>(module: Promise<T>, part: Part = "common"): Promise<T> {
  return (await Promise.all([module, part === "entry" || part === "frame" ? loadTexts("entry", part) : loadTexts("frame", "common", part)]))[0];
}

/** Speak a language everywhere; kept for the next visit when the reader chose it. */
export async function setLanguage(language: Language, chosen = false): Promise<void> {
  if (chosen) {
    try {
      localStorage.setItem(STORAGE_KEY, language);
    } catch { /* it holds for this page */ }
  }
  const loaded = Promise.all([...needed].map((one) => load(language, one))).then(() => translator.setLanguage(language));
  change = loaded.catch(() => undefined);
  await loaded;
  document.documentElement.lang = language;
}

/** Load the first texts in the reader's language. */
export async function startTranslator(): Promise<Translator> {
  await setLanguage(preferredLanguage());
  window.addEventListener("storage", (event) => { // another tab chose a language
    if (event.key === STORAGE_KEY && isLanguage(event.newValue)) void setLanguage(event.newValue);
  });
  return translator;
}

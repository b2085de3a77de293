// Texts by key: looked up, put into the plural form of the language, with their fields filled in (docs/adr/0095).
import type { Key } from "../generated/keys.ts";

export type { Key };
export type Values = Record<string, string | number>;
export type Translate = (key: Key, values?: Values) => string;

/** Texts of a language as its files have them: `{ area: { thing: { purpose: "…" } } }`. */
export interface Texts {
  [name: string]: string | Texts;
}

export class Translator {
  /** The language that is spoken; "": none yet. */
  language = "";
  /** A new function after each change of the language, so that React shows the texts again. */
  translate: Translate = this.#bound();
  readonly #texts = new Map<string, Texts[]>();
  readonly #listeners = new Set<() => void>();
  #rules = new Intl.PluralRules("en");
  #numbers = new Intl.NumberFormat("en");

  /** Add texts of a language to those that are there. */
  add(language: string, texts: Texts): void {
    const parts = this.#texts.get(language);
    if (parts === undefined) this.#texts.set(language, [texts]);
    else parts.push(texts);
  }

  /** Speak a language from now on. */
  setLanguage(language: string): void {
    this.language = language;
    this.#rules = new Intl.PluralRules(language);
    this.#numbers = new Intl.NumberFormat(language);
    this.translate = this.#bound();
    for (const one of this.#listeners) one();
  }

  /** Call `listener` after each change of the language. Returns what ends that. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The text of a key as it stands in its file; undefined: the language has none. */
  template(key: string): string | undefined {
    const names = key.split(".");
    for (const part of this.#texts.get(this.language) ?? []) {
      let text: string | Texts | undefined = part;
      for (const name of names) text = typeof text === "object" ? text[name] : undefined;
      if (typeof text === "string") return text;
    }
    return undefined;
  }

  /** The text of a key in the plural form of its count, with values in its fields; undefined: the language has none. */
  find(key: string, values: Values = {}): string | undefined {
    const { count } = values;
    const plural = typeof count === "number" ? this.template(`${key}_${this.#rules.select(count)}`) : undefined;
    const text = plural ?? this.template(key);
    return text === undefined ? undefined : this.fill(text, values);
  }

  #bound(): Translate {
    return (key, values) => this.find(key, values) ?? key;
  }

  /** Put values into the `{{fields}}` of a text; a `count` gets the separators of the language, others stand as they are given. */
  fill(template: string, values: Values): string {
    return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = values[name];
      return name === "count" && typeof value === "number" ? this.#numbers.format(value) : String(value ?? "");
    });
  }
}

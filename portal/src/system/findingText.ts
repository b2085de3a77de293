// What the doctor found, in the reader's words: each kind of finding has its own (locales/…/findings.json).
import type { Finding } from "../api/schema.ts";
import { useLanguage, useTranslate, useTranslator } from "../i18n/hooks.ts";
import type { Translate } from "../i18n/translator.ts";
import { KINDS } from "../jobs/kinds.ts";
import { bytes, dateTime, listed, timeOf } from "../kit/format.ts";

export interface Said {
  area: string;
  text: string;
  mend: string;
  /** Whether these are our words; else they are the server's, in English. */
  own: boolean;
}

/** What the words name, as the language writes it. */
function valuesOf(found: Finding, t: Translate, language: string): Record<string, string | number> {
  const said = ([name, fact]: [string, string | number | string[]]): [string, string | number] => {
    if (Array.isArray(fact)) return [name, listed(fact, language)];
    if (name.endsWith("_bytes")) return [name, bytes(Number(fact), language)];
    const time = name.endsWith("_at") ? timeOf(String(fact)) : null;
    return [name, time ? dateTime(time, language) : fact];
  };
  const kind = found.kind === "TASKS_WAIT" ? KINDS[found.where] : undefined;
  return { where: kind ? t(kind) : found.where, ...Object.fromEntries(Object.entries(found.facts).map(said)) };
}

/** Which words a finding has; one that this page does not know keeps the server's. */
export function useSaid(): (found: Finding) => Said {
  const translator = useTranslator();
  const t = useTranslate();
  const language = useLanguage();
  return (found) => {
    const values = valuesOf(found, t, language);
    const text = translator.find(`findings.said.${found.kind}`, values);
    const area = translator.find(`findings.area.${found.area}`) ?? found.area;
    if (text === undefined) return { area, text: found.text, mend: found.mend, own: false };
    return { area, text, mend: found.mend && (translator.find(`findings.mend.${found.kind}`, values) ?? ""), own: true };
  };
}

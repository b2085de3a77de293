// What an artifact is, in words; the server's name for what it does not know better.
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";

const TYPES: Record<string, Key> = { IMAGE: "artifacts.type.image", CHART: "artifacts.type.chart", CNAI: "artifacts.type.model", UNKNOWN: "artifacts.type.unknown" };
/** Names of formats, which are written so in every language. */
const FORMATS = ["SBOM", "WASM", "CNAB"];

export function useType(): (type: string) => string {
  const t = useTranslate();
  return (type) => (TYPES[type] ? t(TYPES[type]) : FORMATS.includes(type) ? type : type.toLowerCase());
}

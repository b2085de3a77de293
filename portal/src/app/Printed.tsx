// Paper: in light colours whatever the theme, and below each sheet where it came from, when, and who printed it.
import { useEffect } from "react";
import { dateTime } from "../kit/format.ts";
import { useUser } from "./session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";

/** A text as CSS has it between quotes. */
const quoted = (text: string) => `"${text.replace(/[\\"]/g, "\\$&").replace(/\s+/g, " ")}"`;

/** Boxes in the margin of every sheet; what stands in the page itself would lie over its rows. */
export const marginsOf = (left: string, right: string): string =>
  `@page { @bottom-left { content: ${quoted(left)}; font-size: 8pt; white-space: pre-wrap } @bottom-right { content: ${quoted(right)} "  " counter(page) " / " counter(pages); font-size: 8pt } }`;

export function Printed() {
  const t = useTranslate();
  const language = useLanguage();
  const name = useUser()?.username ?? "";
  useEffect(() => {
    const root = document.documentElement.dataset;
    const sheet = new CSSStyleSheet();
    let theme: string | undefined;
    const before = () => {
      theme ??= root["mantineColorScheme"];
      root["mantineColorScheme"] = "light";
      const time = dateTime(new Date(), language);
      sheet.replaceSync(marginsOf(location.href, name ? t("shell.printedBy", { time, name }) : time));
      document.adoptedStyleSheets = [...document.adoptedStyleSheets.filter((one) => one !== sheet), sheet];
    };
    const after = () => {
      if (theme !== undefined) root["mantineColorScheme"] = theme;
      theme = undefined;
    };
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
    return () => {
      after();
      window.removeEventListener("beforeprint", before);
      window.removeEventListener("afterprint", after);
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    };
  }, [t, language, name]);
  return null;
}

// What is wrong in a form that was sent: the first such field gets the focus, and where there are more they are named above it.
import { useEffect, useState, type RefObject } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import classes from "./kit.module.css";

const WRONG = "[aria-invalid=true]:not(:disabled), [data-invalid] input:not(:disabled)";

/** The fields that say what is wrong with them, by their labels. */
function wrongIn(form: HTMLElement | null): { id: string; label: string }[] {
  const fields = [...(form?.querySelectorAll<HTMLInputElement>(WRONG) ?? [])].filter((one) => one.id !== "");
  return fields.map((one) => ({ id: one.id, label: one.labels?.[0]?.textContent ?? one.ariaLabel ?? one.name }));
}

/** `tries`: how often it was sent; `busy`: the server is asked. */
export function Attention({ form, tries, busy }: { form: RefObject<HTMLFormElement | null>; tries: number; busy: boolean }) {
  const t = useTranslate();
  const [found, setFound] = useState<{ id: string; label: string }[]>([]);
  useEffect(() => {
    if (tries === 0 || busy) return;
    const first = wrongIn(form.current)[0];
    if (first) document.getElementById(first.id)?.focus();
  }, [form, tries, busy]);
  useEffect(() => { // what was mended is no longer named
    const now = tries === 0 ? [] : wrongIn(form.current);
    setFound((before) => (before.length === now.length && before.every((one, at) => one.id === now[at]?.id) ? before : now));
  });
  if (found.length < 2) return null;
  return (
    <div className={classes["attention"]}>
      <span className="strong">{t("kit.form.attention", { count: found.length })}</span>
      {found.map((one) => <a key={one.id} href={`#${one.id}`} onClick={(event) => { event.preventDefault(); document.getElementById(one.id)?.focus(); }}>{one.label}</a>)}
    </div>
  );
}

// What was typed into a long form: kept through a reload and another sign-in until it is saved, and asked for before one leaves.
import { Button } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useWords } from "../app/words.ts";
import { Dialog } from "./Dialog.tsx";
import classes from "./kit.module.css";

const PLACE = "moorage-draft:";

function read(name: string): Record<string, unknown> {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE + name) ?? "{}") as Record<string, unknown>;
  } catch {
    return {};
  }
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/**
 * The values of a form that differ, kept in this window's storage under `name`. `secret` says which are never kept.
 * `found`: some were there when the form opened.
 */
export function useDraft(name: string, secret: (field: string) => boolean) {
  const [first] = useState(() => read(name));
  const [values, setValues] = useState(first);
  useEffect(() => {
    const kept = Object.fromEntries(Object.entries(values).filter(([field]) => !secret(field)));
    try {
      if (Object.keys(kept).length) sessionStorage.setItem(PLACE + name, JSON.stringify(kept));
      else sessionStorage.removeItem(PLACE + name);
    } catch { /* no storage: it holds for this page */ }
  }, [name, values, secret]);
  const clear = () => {
    setValues({});
    try {
      sessionStorage.removeItem(PLACE + name); // now: the page may be gone before the effect
    } catch { /* no storage */ }
  };
  /** Forget what was saved; what was typed meanwhile stays. */
  const forget = (saved: Record<string, unknown>) => setValues((old) => Object.fromEntries(Object.entries(old).filter(([field, value]) => !(field in saved) || !same(value, saved[field]))));
  return { values, set: (change: Record<string, unknown>) => setValues((old) => ({ ...old, ...change })), clear, forget, found: Object.keys(first).length > 0 };
}

/** Asks before the page is left. `secrets`: also before the window is, for those would be gone. `onDiscard`: what was typed is to be forgotten. */
export function LeaveGuard({ dirty, secrets, onDiscard }: { dirty: boolean; secrets: boolean; onDiscard: () => void }) {
  const t = useWords();
  const guard = useBlocker({ shouldBlockFn: ({ current, next }) => dirty && current.pathname !== next.pathname, enableBeforeUnload: () => secrets, withResolver: true });
  if (guard.status !== "blocked") return null;
  return (
    <Dialog title={t("kit.leave.title")} opened onClose={guard.reset}>
      <div className="stack">
        <p>{t("kit.leave.what")}</p>
        <div className={classes["buttons"]}>
          <Button variant="default" onClick={() => { onDiscard(); guard.proceed(); }}>{t("kit.dialog.discard")}</Button>
          <Button data-autofocus onClick={guard.reset}>{t("kit.dialog.keep")}</Button>
        </div>
      </div>
    </Dialog>
  );
}

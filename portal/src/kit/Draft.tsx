// What was typed into a form: kept through a reload and another sign-in until it is saved, and asked for before one leaves.
import { Button } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog } from "./Dialog.tsx";
import { read, usePlace, write } from "./formStorage.ts";
import classes from "./kit.module.css";

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/**
 * The values of a form that differ, kept in this window's storage under `name`. `secret` says which are never kept.
 * `found`: some were there when the form opened.
 */
export function useDraft(name: string, secret: (field: string) => boolean) {
  const place = usePlace(name);
  const [first] = useState(() => read(place));
  const [values, setValues] = useState(first);
  useEffect(() => write(place, Object.fromEntries(Object.entries(values).filter(([field]) => !secret(field)))), [place, values, secret]);
  const clear = () => {
    setValues({});
    write(place, {}); // now: the page may be gone before the effect
  };
  /** Forget what was saved; what was typed meanwhile stays. */
  const forget = (saved: Record<string, unknown>) => setValues((old) => Object.fromEntries(Object.entries(old).filter(([field, value]) => !(field in saved) || !same(value, saved[field]))));
  return { values, set: (change: Record<string, unknown>) => setValues((old) => ({ ...old, ...change })), clear, forget, found: Object.keys(first).length > 0 };
}

/** What a form has of a draft: `found`: it was filled from one; `reset` gives the values back that it began with. */
export interface Kept {
  found: boolean;
  reset: () => void;
}

/**
 * The state of a form in a dialog, as `useState` gives it, and kept in this window's storage under `name`: after a reload, or a sign-in
 * that left the page, the form that is opened again has it. A form that is closed forgets it. `bare`: what may be kept, without secrets;
 * `back`: the state out of what was kept.
 */
export function useKept<T extends object>(name: string, first: T, bare: (value: T) => Partial<T> = (value) => value, back: (kept: Partial<T>, first: T) => T = (kept, start) => ({ ...start, ...kept })): [T, (value: T) => void, Kept] {
  const place = usePlace(name);
  const [start] = useState(first);
  const [found, setFound] = useState(() => {
    const there = read(place) as Partial<T>;
    return Object.keys(there).length > 0 && Object.keys(there).every((field) => field in start) ? there : null;
  });
  const [value, setValue] = useState<T>(() => (found === null ? start : back(found, start)));
  const without = useRef(bare);
  useEffect(() => {
    const kept = without.current(value);
    write(place, same(kept, without.current(start)) ? {} : (kept as Record<string, unknown>));
  }, [place, value, start]);
  useEffect(() => () => write(place, {}), [place]);
  const reset = () => {
    setFound(null);
    setValue(start);
  };
  return [value, setValue, { found: found !== null, reset }];
}

/** Says that a form was filled with what was typed before, and offers to begin anew. */
export function KeptNote({ kept }: { kept: Kept }) {
  const t = useTranslate();
  if (!kept.found) return null;
  return (
    <div className={classes["keptNote"]} role="status">
      <span>{t("kit.draft.found")}</span><span className="grow" />
      <Button size="xs" variant="default" onClick={kept.reset}>{t("kit.dialog.discard")}</Button>
    </div>
  );
}

/** Asks before the page is left, or the window closed. `onDiscard`: what was typed is to be forgotten. */
export function LeaveGuard({ dirty, onDiscard }: { dirty: boolean; onDiscard: () => void }) {
  const t = useTranslate();
  const guard = useBlocker({ shouldBlockFn: ({ current, next }) => dirty && current.pathname !== next.pathname, enableBeforeUnload: () => dirty, withResolver: true });
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

// Where a form keeps what was typed, in this window's storage, and the form that is opened again after a reload.
import { useEffect, useRef } from "react";
import { DRAFTS, useUser } from "../app/session.tsx";

/** Where a person's draft is: what one has typed is not shown to another at the same window. */
export function usePlace(name: string): string {
  return `${DRAFTS}${useUser()?.user_id ?? ""}/${name}`;
}

export function read(place: string): Record<string, unknown> {
  try {
    return JSON.parse(sessionStorage.getItem(place) ?? "{}") as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Keep values there; none: nothing is kept. */
export function write(place: string, kept: Record<string, unknown>): void {
  try {
    if (Object.keys(kept).length) sessionStorage.setItem(place, JSON.stringify(kept));
    else sessionStorage.removeItem(place);
  } catch { /* no storage: it holds for this page */ }
}

/** What follows `place` in the name of something that is kept; null: nothing is. */
function keptBelow(place: string): string | null {
  try {
    const found = Object.keys(sessionStorage).find((one) => (one === place || one.startsWith(`${place}/`)) && Object.keys(read(one)).length > 0);
    return found === undefined ? null : found.slice(place.length);
  } catch {
    return null;
  }
}

/**
 * After a reload the form is opened again of which something is kept under `name` or `name/WHICH`. `open` is given WHICH ("" for
 * `name` itself), and says whether it could: what a form changes may have to be loaded first.
 */
export function useReopen(name: string, open: (which: string) => boolean): void {
  const user = useUser();
  const place = usePlace(name);
  const wanted = useRef<string | null | undefined>(undefined);
  useEffect(() => {
    if (user === undefined) return;
    if (wanted.current === undefined) wanted.current = keptBelow(place);
    if (wanted.current !== null && open(wanted.current.replace(/^\//, ""))) wanted.current = null;
  });
}

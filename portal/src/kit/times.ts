// How times are shown: as the reader prefers. The choice is shared by all of the page.
import { useSyncExternalStore } from "react";

/** `relative`: "14 min. ago" up to a week; `absolute`: in full, in the browser's zone; `iso`: ISO 8601 in UTC. */
export type Times = "relative" | "absolute" | "iso";

const KEPT = "moorage-times";
const ALL: readonly Times[] = ["relative", "absolute", "iso"];
const listeners = new Set<() => void>();
let chosen: Times | null = null;

export function times(): Times {
  if (chosen !== null) return chosen;
  try {
    chosen = ALL.find((one) => one === localStorage.getItem(KEPT)) ?? "relative";
  } catch {
    chosen = "relative";
  }
  return chosen;
}

export function setTimes(wanted: Times): void {
  chosen = wanted;
  try {
    localStorage.setItem(KEPT, wanted);
  } catch { /* it holds for this page */ }
  listeners.forEach((one) => one());
}

export const isTimes = (value: unknown): value is Times => ALL.some((one) => one === value);

export const useTimes = (): Times =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, times);

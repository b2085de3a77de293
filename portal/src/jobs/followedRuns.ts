// Work that was begun in this window: its end is told, wherever the reader is by then.
let ours: ReadonlySet<number> = new Set();
const listeners = new Set<() => void>();

function set(next: ReadonlySet<number>): void {
  ours = next;
  listeners.forEach((one) => one());
}

/** Tell of the end of this run. NaN, of a reply that names none, is nothing. */
export function follow(run: number): void {
  if (run > 0) set(new Set([...ours, run]));
}

/** It has been told of. */
export const forget = (run: number): void => set(new Set([...ours].filter((one) => one !== run)));

export const followed = (): ReadonlySet<number> => ours;

export function hear(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

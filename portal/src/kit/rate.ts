// How fast work goes, from what was seen of it in the last half minute; and how long it will take yet, as people say it.

export interface Seen {
  /** Milliseconds. */
  at: number;
  done: number;
  bytes: number;
}

const WINDOW = 30_000;
const ENOUGH = 4_000;

/** What was seen before and now, without what is too old. Work that began anew forgets what it did. */
export function remember(seen: readonly Seen[], now: Seen): Seen[] {
  const last = seen.at(-1);
  if (last && (now.done < last.done || now.bytes < last.bytes)) return [now];
  const kept = seen.filter((one) => now.at - one.at <= WINDOW);
  return [...kept, now];
}

/** Per second, bytes where there are any; null: too little was seen. */
export function rateOf(seen: readonly Seen[]): number | null {
  const [first, last] = [seen[0], seen.at(-1)];
  if (!first || !last || last.at - first.at < ENOUGH) return null;
  const more = last.bytes > 0 ? last.bytes - first.bytes : last.done - first.done;
  return (more * 1000) / (last.at - first.at);
}

const LEAST_SHARE = 0.05;
const LEAST_SECONDS = 10;

/** Seconds that are left, rounded as one would say them; null: it is too early to tell, or not worth it. */
export function saidLeft(seconds: number, share: number | null): number | null {
  if (!(seconds >= LEAST_SECONDS) || share === null || share < LEAST_SHARE) return null;
  const step = seconds < 60 ? 5 : seconds < 3600 ? 60 : 600;
  return Math.round(seconds / step) * step;
}

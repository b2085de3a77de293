// How often work that goes on is looked at: every 2 s while it is seen, every 10 s while the window is hidden, and less and less often while the server does not answer.
import type { Query } from "@tanstack/react-query";

export const SEEN = 2_000;
const HIDDEN = 10_000;
const LONGEST = 60_000;

/** The pause before the next look. `failed`: the last one did; `since`: milliseconds since one last succeeded. */
export function paceOf(isHidden: boolean, failed: boolean, since: number, often = SEEN): number {
  const usual = isHidden ? Math.max(HIDDEN, often) : often;
  return failed ? Math.min(LONGEST, Math.max(usual, since)) : usual;
}

/** For a query: it is looked at again while `goes` says so. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export const watched = <T>(goes: (data: T | undefined) => boolean, often = SEEN) => ({
  refetchIntervalInBackground: true,
  refetchInterval: (query: Query<any, Error, any, any>) => (goes(query.state.data as T | undefined) ? paceOf(document.hidden, query.state.status === "error" || query.state.fetchFailureCount > 0, Date.now() - (query.state.dataUpdatedAt || Date.now()), often) : (false as const)),
});

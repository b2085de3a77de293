// What a page asks for at first comes in pieces; it is shown at once, so that nothing that is read moves away.
import { useQueryClient, type Query } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useState } from "react";

const AT_MOST_MS = 200; // then what has come is shown, and the rest when it comes
const NEXT_MS = 20; // what was told may make the page ask for more

const isUnknown = (one: Query) => one.state.status === "pending" && one.state.data === undefined && (one.options as { enabled?: unknown }).enabled !== false;
const isAsked = (one: Query) => isUnknown(one) && one.state.fetchStatus === "fetching";

/** Whether the page at this address still waits for what it asked for when it was opened; a short while at most. */
export function useHeld(): boolean {
  const cache = useQueryClient().getQueryCache();
  const place = useRouterState({ select: (state) => state.matches.at(-1)?.pathname ?? "" });
  const [held, setHeld] = useState<string | null>(null);
  useLayoutEffect(() => {
    if (cache.getAll().some((one) => isUnknown(one) && (one.state.fetchStatus === "fetching" || one.getObserversCount() === 0))) setHeld(place);
  }, [cache, place]);
  useEffect(() => {
    if (held !== place) return undefined;
    let next: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(next);
      if (!cache.getAll().some(isAsked)) next = setTimeout(() => setHeld(null), NEXT_MS);
    };
    const end = setTimeout(() => setHeld(null), AT_MOST_MS);
    const leave = cache.subscribe(look);
    look();
    return () => {
      leave();
      clearTimeout(next);
      clearTimeout(end);
    };
  }, [cache, held, place]);
  return held !== null && held === place;
}

// When the session will end, some minutes before it does. Looking at it is no use of it: only "stay signed in" is.
import { useEffect, useState } from "react";
import { call, whoNow } from "../api/client.ts";
import type { SessionEnds } from "../api/schema.ts";
import { queries, sessionQuery, useUser } from "./session.tsx";
import { lookAgain } from "./sessionWatch.ts";

const BEFORE_S = 300;
const AGAIN_S = 15;
const PRESENT = ["input", "keydown", "pointerdown"] as const;
const LONGEST_S = 86_400; // a timer takes no more than 24 days

export interface Ending {
  at: Date;
  /** It goes on if it is used; else it ends whatever happens. */
  renews: boolean;
}

/** Whether it is time to say so; `wait`: seconds until the next look. */
export function endingOf(session: SessionEnds, now: Date): { ending: Ending | null; wait: number } {
  const renews = session.idle_seconds < session.lifetime_seconds;
  const left = Math.min(session.idle_seconds, session.lifetime_seconds);
  // Of a session that ends after few idle minutes not all the time, but the last third.
  const before = renews ? Math.min(BEFORE_S, session.idle_timeout_seconds / 3) : BEFORE_S;
  if (left > before) return { ending: null, wait: Math.min(left - before, LONGEST_S) };
  return { ending: { at: new Date(now.getTime() + left * 1000), renews }, wait: Math.max(1, Math.min(AGAIN_S, left + 1)) };
}

/** When the session ends, once that is near; null: not yet, or there is none. */
export function useEnding(): Ending | null {
  const user = useUser();
  const [ending, setEnding] = useState<Ending | null>(null);
  const id = user?.user_id;
  const session = user?.session;
  useEffect(() => {
    setEnding(null);
    if (!session) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    let due = 0;
    const plan = (one: SessionEnds) => {
      const found = endingOf(one, new Date());
      setEnding(found.ending);
      clearTimeout(timer);
      due = Date.now() + found.wait * 1000;
      timer = setTimeout(look, found.wait * 1000);
    };
    const look = () => {
      whoNow().then(({ user: now }) => {
        if (gone) return;
        if (now?.user_id === id && now?.session) plan(now.session);
        else void lookAgain();
      }, () => { if (!gone) timer = setTimeout(look, AGAIN_S * 1000); });
    };
    // Timers stand still while a machine sleeps.
    const seen = () => { if (document.visibilityState === "visible" && Date.now() >= due) look(); };
    plan(session);
    document.addEventListener("visibilitychange", seen);
    return () => {
      gone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [id, session]);
  const renews = ending?.renews ?? false;
  useEffect(() => {
    if (!renews) return undefined;
    // Whoever types or presses is there, also in a dialog that lies over the notice: that is use.
    const there = () => { void stay().catch(() => undefined); };
    const once = { capture: true, once: true };
    for (const kind of PRESENT) document.addEventListener(kind, there, once);
    return () => { for (const kind of PRESENT) document.removeEventListener(kind, there, once); };
  }, [renews]);
  return ending;
}

/** Use the session, so that its idle time begins anew. */
export async function stay(): Promise<void> {
  queries.setQueryData(sessionQuery.queryKey, (await call("GET /users/current")).data);
}

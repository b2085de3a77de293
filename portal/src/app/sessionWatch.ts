// Notices that the session is not the one that this page was opened with: it ended, somebody signed out in another tab,
// or signed in as somebody else. Until the same person is back nothing is asked, and what was typed stays where it is.
import { useSyncExternalStore } from "react";
import { watchSession, whoNow } from "../api/client.ts";
import type { UserResp } from "../api/schema.ts";

/**
 * Why a person is asked who they are. `over`: the session ended by itself. `out`: they signed out in another tab.
 * `other`: another tab is signed in as somebody else, called `name`. With the last two the page is not to be seen meanwhile.
 */
export interface Lost {
  why: "over" | "out" | "other";
  name: string;
}
interface Page {
  /** Whose page it is; null: nobody's; undefined: not known yet. */
  me: () => UserResp | null | undefined;
  /** Nobody was signed in here, and now somebody is. */
  adopt: (user: UserResp | null) => void;
}
type Now = Awaited<ReturnType<typeof whoNow>> | null; // null: the server cannot be reached
type Said = { id: number; name: string } | null;

const GRAVITY = { over: 0, out: 1, other: 2 };
let page: Page = { me: () => undefined, adopt: () => undefined };
let lost: Lost | null = null;
let declined = false;
let waiting: { promise: Promise<boolean>; resolve: (again: boolean) => void } | null = null;
let looking: Promise<Now> | null = null;
let returns = 0;
const listeners = new Set<() => void>();
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("moorage-session");

/** Begin; `given` is what only the session's own module knows. */
export function startWatch(given: Page): void {
  page = given;
  watchSession({ over, changed, gate: () => waiting?.promise });
  if (channel) channel.onmessage = ({ data }: MessageEvent<Said>) => void heard(data);
  // "Back" shows a page as it was left, also to the next person.
  if (typeof window !== "undefined") window.addEventListener("pageshow", (event) => event.persisted && void changed());
}

/** Look whose session it is, as somebody else's reply would have us do: one that has ended is said at once. */
export const lookAgain = (): Promise<boolean> => changed();

/** Tell the other tabs who is signed in from now on. */
export function announce(user: UserResp | null): void {
  channel?.postMessage(user && ({ id: user.user_id, name: user.username } satisfies Said));
}

/** The same person is signed in again: what waited goes on. */
export function goOn(): void {
  declined = false;
  returns += 1;
  finish(true);
}

/** Not now: what was asked is refused, and only a change that a person makes asks again. */
export function decline(): void {
  declined = true;
  finish(false);
}

/** Ask again, after "not now". */
export function askAgain(): void {
  void ask("over");
}

/** Why a person is to be asked who they are, or null; and whether they put it off. */
export function useLost(): { lost: Lost | null; declined: boolean } {
  const hear = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return { lost: useSyncExternalStore(hear, () => lost), declined: useSyncExternalStore(hear, () => declined) };
}

async function over(background: boolean): Promise<boolean> {
  if (!page.me() || (declined && background)) return false;
  return ask("over");
}

/** `fresh`: what others asked already may be older than what is known. The answer is shared, and not the wait for a person. */
async function changed(background = true, fresh = false): Promise<boolean> {
  const begun = returns;
  const now = await (fresh ? look() : (looking ??= look().finally(() => (looking = null))));
  if (returns !== begun) return changed(background, true); // somebody is back since
  if (now === null) return false; // and the next request says so
  const mine = page.me();
  if (!mine || mine.user_id === now.user?.user_id) {
    now.accept();
    if (!mine && now.user) page.adopt(now.user);
    return true;
  }
  return now.user ? ask("other", now.user.username) : over(background);
}

const look = (): Promise<Now> => whoNow().catch(() => null);

async function heard(said: Said): Promise<void> {
  const mine = page.me();
  if (mine === undefined || (said === null && mine === null)) return;
  if (said === null) void ask("out");
  else if (mine !== null && mine.user_id !== said.id) void ask("other", said.name);
  else if (await changed(true, true)) goOn();
}

function ask(why: Lost["why"], name = ""): Promise<boolean> {
  if (waiting === null) {
    let resolve: (again: boolean) => void = () => undefined;
    const promise = new Promise<boolean>((done) => (resolve = done));
    waiting = { promise, resolve };
  }
  if (lost === null || GRAVITY[why] >= GRAVITY[lost.why]) lost = { why, name };
  declined = false;
  tell();
  return waiting.promise;
}

function finish(again: boolean): void {
  const before = waiting;
  waiting = lost = null;
  tell();
  before?.resolve(again);
}

function tell(): void {
  document.documentElement.toggleAttribute("data-veiled", lost !== null && lost.why !== "over");
  listeners.forEach((one) => one());
}

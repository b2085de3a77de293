// Who is signed in, what they may do, and what happens when their session ends.
import { QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { call, submit, whoNow } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { UserResp } from "../api/schema.ts";
import { announce, goOn, startWatch } from "./sessionWatch.ts";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A page that asks for what it may not have should say so at once; what may pass by itself is asked for twice more.
      retry: (count, error) => count < 2 && error instanceof Problem && (error.status === 0 || error.status >= 500 || error.status === 429),
      retryDelay: (count, error) => (error instanceof Problem && error.wait > 0 ? Math.min(error.wait, 30) * 1000 : 1000 * 2 ** count),
    },
    mutations: { retry: false },
  },
});

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  staleTime: 60_000,
  queryFn: async (): Promise<UserResp | null> => {
    // Not by a request that is refused: the browser would write an error into its console for everybody who is signed out.
    if ((await queries.fetchQuery({ ...systemQuery, staleTime: 0 })).moorage_version === undefined) return null;
    return (await call("GET /users/current")).data;
  },
});

export const systemQuery = queryOptions({ queryKey: ["system"], staleTime: 300_000, queryFn: async () => (await call("GET /systeminfo")).data });
export const capabilitiesQuery = queryOptions({ queryKey: ["capabilities"], staleTime: 300_000, queryFn: async () => (await call("GET /capabilities")).data });

/** Who is signed in; null: nobody; undefined: not known yet. */
export const useUser = (): UserResp | null | undefined => useQuery(sessionQuery).data;

export const isAdmin = (user: UserResp | null | undefined): boolean => Boolean(user && (user.sysadmin_flag || user.admin_role_in_auth));

/** Whether the server can do something (`trash`, `scanning`, …); false until it is known. */
export function useCan(): (capability: string) => boolean {
  const known = useQuery(capabilitiesQuery).data;
  return useCallback((name) => known?.capabilities[name] ?? false, [known]);
}

export const permissionsQuery = (scope: string) =>
  queryOptions({
    queryKey: ["permissions", scope],
    staleTime: 60_000,
    queryFn: async () => {
      await queries.ensureQueryData(systemQuery); // its reply tells the token that a POST with a session needs
      return new Set((await call("POST /users/current/permissions", { body: { scopes: [scope] } })).data[0]?.permissions ?? []);
    },
  });

/** What the caller may do in a project: `may("tag:delete")`; false until it is known. The server decides all the same. */
export function useMay(project: string): (permission: string) => boolean {
  const known = useQuery(permissionsQuery(`/project/${project}`)).data;
  return useCallback((permission) => known?.has(permission) ?? false, [known]);
}

/** Where this tab keeps what was opened last; it ends with the session. */
export const RECENT = "moorage-recent";

/** How the places begin where this tab keeps what was typed and is not saved; they end with the session, too. */
export const DRAFTS = "moorage-draft:";

function forgetTab(): void {
  for (const place of Object.keys(sessionStorage)) if (place === RECENT || place.startsWith(DRAFTS)) sessionStorage.removeItem(place);
}

/** Sign in. What pages have learnt as somebody else is forgotten: the page begins anew if it was another person's. */
export async function signIn(name: string, password: string): Promise<void> {
  if (queries.getQueryData(sessionQuery.queryKey)) (await whoNow()).accept(); // another tab's session is ended by this one's token
  await submit("/c/login", { principal: name, password });
  await signedIn();
}

/** Somebody has a new session: this page is theirs from now on, and the other tabs know. */
export async function signedIn(): Promise<void> {
  const was = queries.getQueryData(sessionQuery.queryKey);
  const user = (await call("GET /users/current", { free: true })).data;
  announce(user);
  if (was && was.user_id !== user.user_id) {
    forgetTab();
    location.reload();
    return new Promise(() => undefined);
  }
  adopt(user);
  goOn();
}

/** Sign out, and start afresh at the page for signing in. People of an OpenID provider are sent there to sign out, too. */
export async function signOut(): Promise<void> {
  const reply = await fetch("/c/log_out", { credentials: "same-origin" });
  const where = reply.status === 403 ? ((await reply.json()) as { redirect_location?: string }).redirect_location : undefined;
  forgetTab();
  announce(null);
  location.assign(where ?? "/sign-in");
}

function adopt(user: UserResp | null): void {
  queries.setQueryData(sessionQuery.queryKey, user);
  void queries.invalidateQueries({ predicate: (one) => one.queryKey[0] !== "session" });
}

startWatch({ me: () => queries.getQueryData(sessionQuery.queryKey), adopt });

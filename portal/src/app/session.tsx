// Who is signed in, what they may do, and what happens when their session ends.
import { QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { useCallback, useSyncExternalStore } from "react";
import { call, submit, whenSessionOver } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { UserResp } from "../api/schema.ts";

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
    const isKnown = async () => (await queries.fetchQuery({ ...systemQuery, staleTime: 0 })).moorage_version !== undefined;
    const was = queries.getQueryData<UserResp | null>(["session"]);
    if (!(await isKnown()) && !(was && (await sessionOver()))) return null;
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

/** Sign in; what pages have learnt as somebody else is forgotten. */
export async function signIn(name: string, password: string): Promise<void> {
  await submit("/c/login", { principal: name, password });
  queries.setQueryData(sessionQuery.queryKey, (await call("GET /users/current")).data);
  void queries.invalidateQueries({ predicate: (one) => one.queryKey[0] !== "session" });
}

/** Sign out, and start afresh at the page for signing in. People of an OpenID provider are sent there to sign out, too. */
export async function signOut(): Promise<void> {
  const reply = await fetch("/c/log_out", { credentials: "same-origin" });
  const where = reply.status === 403 ? ((await reply.json()) as { redirect_location?: string }).redirect_location : undefined;
  location.assign(where ?? "/sign-in");
}

// -- a session that ends while somebody works: the dialog opens over the page, and what was asked is asked again ----------

let waiting: { promise: Promise<boolean>; resolve: (again: boolean) => void } | null = null;
const listeners = new Set<() => void>();
const tell = () => listeners.forEach((one) => one());

function sessionOver(): Promise<boolean> {
  if (!queries.getQueryData(sessionQuery.queryKey)) return Promise.resolve(false);
  if (waiting === null) {
    let resolve: (again: boolean) => void = () => undefined;
    const promise = new Promise<boolean>((done) => (resolve = done));
    waiting = { promise, resolve };
    tell();
  }
  return waiting.promise;
}

whenSessionOver(sessionOver);

/** Whether somebody has to sign in again, and how that ended. */
export function useSessionOver(): { isOver: boolean; end: (again: boolean) => void } {
  const isOver = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => waiting !== null,
  );
  const end = useCallback((again: boolean) => {
    const before = waiting;
    waiting = null;
    if (!again) queries.setQueryData(sessionQuery.queryKey, null);
    before?.resolve(again);
    tell();
  }, []);
  return { isOver, end };
}

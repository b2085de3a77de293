// One way to ask the server: `call("GET /projects", { query: { page: 2 } })`, with types from its OpenAPI document.
import { Problem } from "./problem.ts";
import type { Errors, Operations } from "./schema.ts";

export type Operation = keyof Operations;
type Part<K extends Operation, P extends string> = Operations[K] extends Record<P, infer T> ? T : undefined;
type Needed<P extends string, T> = T extends undefined ? { [_ in P]?: undefined } : object extends T ? { [_ in P]?: T } : { [_ in P]: T };
export type Input<K extends Operation> = Needed<"path", Part<K, "path">> & Needed<"query", Part<K, "query">> & Needed<"body", Part<K, "body">> & {
  header?: Record<string, string>;
  signal?: AbortSignal;
  /** Asked for by a clock and not by a person: it does not prolong the session. */
  quiet?: boolean;
  /** Asked by the form for signing in: also while everything else waits for it. */
  free?: boolean;
  /** Goes on when the page is left. */
  keepalive?: boolean;
};

export interface Answer<T> {
  data: T;
  /** How many there are in all, of a list that says so. */
  total: number | undefined;
  headers: Headers;
}

const BASE = "/api/v2.0";
const CSRF = "X-Harbor-CSRF-Token";
const QUIET = { "X-Harbor-No-Session-Renewal": "true" };
let token = ""; // of the session that this page knows: each of its replies tells it
let first: Promise<unknown> | undefined; // the first request: its reply tells the token

/** Who is asked when the session is not what it was. Each answers whether to send the request again. */
export interface Watch {
  /** The server knows no session any more. */
  over: (background: boolean) => Promise<boolean>;
  /** A reply came of another session than those before, or of none. `background`: no change that a person made. */
  changed: (background: boolean) => Promise<boolean>;
  /** Nothing is asked while a person is asked who they are: undefined when nobody is. */
  gate: () => Promise<unknown> | undefined;
}
let watch: Watch = { over: () => Promise.resolve(false), changed: () => Promise.resolve(false), gate: () => undefined };

export function watchSession(given: Watch): void {
  watch = given;
}

/** Who is signed in at this moment, whatever this page knows; null: nobody. `accept` makes that session the page's own. */
export async function whoNow(): Promise<{ user: Operations["GET /users/current"]["reply"] | null; accept: () => void }> {
  // Not by a request that is refused: the browser would write an error into its console.
  const asked = await fetch(`${BASE}/systeminfo`, { headers: QUIET, credentials: "same-origin" });
  await asked.text(); // a reply that is not read to its end holds its connection
  const said = asked.headers.get(CSRF) ?? "";
  const accept = () => { token = said; };
  if (!asked.ok || said === "") return { user: null, accept };
  const reply = await fetch(`${BASE}/users/current`, { headers: QUIET, credentials: "same-origin" });
  return { user: reply.ok ? ((await reply.json()) as Operations["GET /users/current"]["reply"]) : null, accept };
}

/** A repository's slashes are encoded twice, as the contract's clients do: proxies decode `%2F`. */
function encoded(name: string, value: string): string {
  const once = encodeURIComponent(value);
  return name === "repository_name" && value.includes("/") ? encodeURIComponent(once) : once;
}

/** The path of an operation with its values put in: `/api/v2.0/projects/team`. */
export function address(key: string, path: Record<string, unknown> = {}, query: Record<string, unknown> = {}): string {
  const filled = key.slice(key.indexOf(" ") + 1).replace(/\{(\w+)\}/g, (_, name: string) => encoded(name, String(path[name])));
  const fields = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(fields.map(([name, value]) => [name, String(value)])).toString();
  return BASE + filled + (search ? `?${search}` : "");
}

/**
 * Ask an operation.
 *
 * @throws Problem: the server refused it, or could not be reached.
 */
export async function call<K extends Operation>(key: K, input?: Input<K>): Promise<Answer<Operations[K]["reply"]>> {
  const { path, query, body, header, signal, quiet, free, keepalive } = (input ?? {}) as Input<K> & { path?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown };
  const method = key.slice(0, key.indexOf(" "));
  const headers: Record<string, string> = { Accept: "application/json", ...header };
  if (quiet) Object.assign(headers, QUIET);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: signal ?? null, keepalive: keepalive ?? false };
  if (body !== undefined) init.body = JSON.stringify(body);
  const reply = await send(address(key, path, query), init, { free: free ?? false, quiet: quiet ?? false });
  const total = reply.headers.get("X-Total-Count");
  return { data: (await content(reply)) as Operations[K]["reply"], total: total === null ? undefined : Number(total), headers: reply.headers };
}

/** Send a form to a path beside the API, as /c/login. A session that it opens is this page's own. */
export async function submit(path: string, fields: Record<string, string>): Promise<Response> {
  return send(path, { method: "POST", credentials: "same-origin", body: new URLSearchParams(fields) }, { again: false, free: true });
}

/** Send JSON to a path beside the API, as /c/oidc/onboard. */
export async function submitJson(path: string, content: unknown): Promise<Response> {
  return send(path, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) }, { again: false, free: true });
}

async function send(url: string, init: RequestInit, { again = true, free = false, quiet = false } = {}): Promise<Response> {
  if (!free) await watch.gate();
  const safe = init.method === "GET" || init.method === "HEAD";
  const isApi = url.startsWith(BASE);
  if (!safe && token === "") await first; // a page that was just opened asks all at once
  const known = token;
  let reply: Response;
  try {
    const asked = fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...(safe ? {} : { [CSRF]: token }) } });
    if (isApi) first ??= asked.then((one) => { token ||= one.headers.get(CSRF) ?? ""; }, () => undefined);
    reply = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    if (typeof window !== "undefined") window.dispatchEvent(new Event("moorage:unreachable"));
    throw new Problem(0, "OFFLINE", "", "", {});
  }
  const said = reply.headers.get(CSRF) ?? "";
  if (!isApi) token = ""; // signed in or out: the next reply of the API tells
  else if (known === "" || free) token = said || token;
  else if (said !== known && (said !== "" || reply.ok)) {
    // What another session may see is not shown on this page, and what was typed here is not sent by it.
    const goesOn = watch.changed(safe || quiet);
    if (safe || !reply.ok) {
      if (again && (await goesOn)) return send(url, init, { again: false, quiet });
      throw new Problem(401, "UNAUTHORIZED", "", reply.headers.get("X-Request-Id") ?? "", {});
    }
  }
  if (reply.ok) return reply;
  const problem = await problemOf(reply);
  if (again && isApi && problem.reason === "CSRF_TOKEN_INVALID" && (await watch.changed(false))) return send(url, init, { again: false, quiet });
  if (again && isApi && reply.status === 401 && (await watch.over(safe || quiet))) return send(url, init, { again: false, quiet });
  throw problem;
}

async function content(reply: Response): Promise<unknown> {
  if (reply.status === 204 || reply.headers.get("Content-Length") === "0") return undefined;
  const text = await reply.text();
  if (text === "") return undefined;
  return (reply.headers.get("Content-Type") ?? "").includes("json") ? (JSON.parse(text) as unknown) : text;
}

async function problemOf(reply: Response): Promise<Problem> {
  const id = reply.headers.get("X-Request-Id") ?? "";
  const wait = Number(reply.headers.get("Retry-After") ?? 0);
  try {
    const content = (await reply.json()) as Errors | unknown[];
    if (Array.isArray(content)) return new Problem(reply.status, "", "", id, { entries: content }, wait); // what of a list could not be done
    const error = content.errors[0];
    return new Problem(reply.status, error?.code ?? "", error?.message ?? "", id, error?.detail ?? {}, wait);
  } catch {
    return new Problem(reply.status, "", "", id, {}, wait);
  }
}

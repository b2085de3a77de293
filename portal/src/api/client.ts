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
};

export interface Answer<T> {
  data: T;
  /** How many there are in all, of a list that says so. */
  total: number | undefined;
  headers: Headers;
}

const BASE = "/api/v2.0";
const CSRF = "X-Harbor-CSRF-Token";
let token = "";
let first: Promise<unknown> | undefined; // the first request: its reply tells the token
let onSessionOver: () => Promise<boolean> = () => Promise.resolve(false);

/** Who is asked when a session has ended: true once somebody has signed in again. */
export function whenSessionOver(ask: () => Promise<boolean>): void {
  onSessionOver = ask;
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
  const { path, query, body, header, signal, quiet } = (input ?? {}) as Input<K> & { path?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown };
  const method = key.slice(0, key.indexOf(" "));
  const headers: Record<string, string> = { Accept: "application/json", ...header };
  if (quiet) headers["X-Harbor-No-Session-Renewal"] = "true";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: signal ?? null };
  if (body !== undefined) init.body = JSON.stringify(body);
  const reply = await send(address(key, path, query), init);
  const total = reply.headers.get("X-Total-Count");
  return { data: (await content(reply)) as Operations[K]["reply"], total: total === null ? undefined : Number(total), headers: reply.headers };
}

/** Send a form to a path beside the API, as /c/login. */
export async function submit(path: string, fields: Record<string, string>): Promise<Response> {
  return send(path, { method: "POST", credentials: "same-origin", body: new URLSearchParams(fields) }, { again: false });
}

async function send(url: string, init: RequestInit, { again = true } = {}): Promise<Response> {
  const safe = init.method === "GET" || init.method === "HEAD";
  if (!safe && token === "") await first; // a page that was just opened asks all at once
  let reply: Response;
  try {
    const asked = fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...(safe ? {} : { [CSRF]: token }) } });
    first ??= asked.then((one) => { token = one.headers.get(CSRF) ?? token; }, () => undefined);
    reply = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "OFFLINE", "", "", {});
  }
  token = reply.headers.get(CSRF) ?? token;
  if (reply.ok) return reply;
  const problem = await problemOf(reply);
  if (again && problem.reason === "CSRF_TOKEN_INVALID") return send(url, init, { again: false }); // another tab signed in; the reply told the new one
  if (again && reply.status === 401 && (await onSessionOver())) return send(url, init, { again: false });
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
    const error = ((await reply.json()) as Errors).errors[0];
    return new Problem(reply.status, error?.code ?? "", error?.message ?? "", id, error?.detail ?? {}, wait);
  } catch {
    return new Problem(reply.status, "", "", id, {}, wait);
  }
}

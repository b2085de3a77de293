// Sends a request as the session's owner, or with a credential that was typed in. That is kept here and nowhere else.

const CSRF = "X-Harbor-CSRF-Token";
const UNSAFE = new Set(["POST", "PUT", "PATCH", "DELETE"]);
const MAX_SHOWN = 200_000;
let basic = null;
let csrf = "";

/** Send requests with this name and password from now on; null: as the session says. */
export function useBasic(username, password) {
  basic = username === null ? null : { username, password };
}

/** The name that was typed in, or null. */
export function basicName() {
  return basic && basic.username;
}

function headersFor(method, body) {
  const headers = { Accept: "application/json, text/plain;q=0.9, */*;q=0.5" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (basic) {
    const bytes = new TextEncoder().encode(`${basic.username}:${basic.password}`);
    headers.Authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  } else if (csrf && UNSAFE.has(method)) {
    headers[CSRF] = csrf;
  }
  return headers;
}

/** Send it. The answer: status, reason, headers, what its body says, how long it took. */
export async function send(method, target, body) {
  const began = performance.now();
  const answer = await fetch(target, { method, body, headers: headersFor(method, body), redirect: "manual",
    credentials: basic ? "omit" : "same-origin", cache: "no-store", referrerPolicy: "same-origin" });
  csrf = answer.headers.get(CSRF) || csrf;
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { status: answer.status, reason: answer.statusText, headers: [...answer.headers], size: bytes.length,
    milliseconds: performance.now() - began, text: readable(bytes, answer.headers.get("content-type") || ""), bytes };
}

function readable(bytes, type) {
  if (!/json|text|xml|yaml/.test(type) && bytes.length) return null;
  const text = new TextDecoder().decode(bytes.length > MAX_SHOWN ? bytes.subarray(0, MAX_SHOWN) : bytes);
  if (bytes.length > MAX_SHOWN) return `${text}\n… and ${bytes.length - MAX_SHOWN} bytes more`;
  try {
    return /json/.test(type) ? JSON.stringify(JSON.parse(text), null, 2) : text;
  } catch {
    return text;
  }
}

/** Who the session's cookie is: a name, or null. Asks for nothing that could be refused. */
export async function sessionName() {
  const about = await fetch("/api/v2.0/systeminfo", { credentials: "same-origin" });
  csrf = about.headers.get(CSRF) || csrf;
  if (!about.ok || !(await about.json()).moorage_version) return null;
  const current = await fetch("/api/v2.0/users/current", { credentials: "same-origin" });
  return current.ok ? (await current.json()).username : null;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The same request for a shell. curl asks for the password. */
export function curl(method, target, body) {
  const words = ["curl", method === "GET" ? "" : method === "HEAD" ? "--head" : `-X ${method}`];
  if (basicName()) words.push(`-u ${quoted(basicName())}`);
  if (body !== undefined) words.push("-H 'Content-Type: application/json'", `-d ${quoted(body)}`);
  return [...words, quoted(location.origin + target)].filter(Boolean).join(" ");
}

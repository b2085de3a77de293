// What the server saved all the same, though it does not work now: its `Warning` headers, and `Warning-Codes`, which says what each is about.
import type { Service } from "./Trial.tsx";

export interface Warned {
  /** What it is about; null: something else, which only the server's sentence says. */
  service: Service | null;
  said: string;
}

const SERVICES: Record<string, Service> = { DIRECTORY_UNUSABLE: "ldap", PROVIDER_UNUSABLE: "oidc" };

/** The warnings of a reply, `299 - "…"` one after another (RFC 7234, 5.5), with their codes in the same order; none: []. */
export function warningsOf(headers: Pick<Headers, "get">): Warned[] {
  const codes = (headers.get("Warning-Codes") ?? "").split(",").map((one) => one.trim());
  return [...(headers.get("Warning") ?? "").matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, quoted = ""], index) => ({ service: SERVICES[codes[index] ?? ""] ?? null, said: quoted.replace(/\\(.)/g, "$1") }));
}

// What the server saved all the same, though it does not work now: sentences of its `Warning` header.
import type { Service } from "./Trial.tsx";

export interface Warned {
  /** What it is about; null: something else, which only the server's sentence says. */
  service: Service | null;
  said: string;
}

/** How the sentences begin (moorage/configuration/checks.py, moorage/identity/oidc.py). */
const BEGINS: readonly (readonly [string, Service])[] = [["The directory cannot be used", "ldap"], ["This provider cannot be used", "oidc"]];

/** The warnings of a reply, `299 - "…"` one after another (RFC 7234, 5.5); none: []. */
export function warningsOf(header: string | null): Warned[] {
  return [...(header ?? "").matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, quoted = ""]) => {
    const said = quoted.replace(/\\(.)/g, "$1");
    return { service: BEGINS.find(([begin]) => said.startsWith(begin))?.[1] ?? null, said };
  });
}

// What is typed into the filter of the audit log: `who:alice op:delete after:2026-03-01 team/web`.

export interface Words {
  who?: string;
  operation?: string;
  kind?: string;
  address?: string;
  /** `true` or `false`, as the API has it. */
  result?: string;
  /** Days, `2026-03-01`. */
  after?: string;
  before?: string;
  /** What has no word before it: part of what it was done to. */
  what: string;
}

const RESULTS: Record<string, string> = { ok: "true", done: "true", true: "true", refused: "false", failed: "false", false: "false" };
const IS_DAY = /^\d{4}-\d\d-\d\d$/;

/** Words that mean nothing are looked for as they are. */
export function readWords(text: string): Words {
  const words: Words = { what: "" };
  const rest: string[] = [];
  for (const one of text.split(/\s+/).filter(Boolean)) {
    const cut = one.indexOf(":");
    const [name, value] = [one.slice(0, cut).toLowerCase(), one.slice(cut + 1)];
    const result = RESULTS[value.toLowerCase()];
    if (cut < 1 || value === "") rest.push(one);
    else if (name === "who") words.who = value;
    else if (name === "op") words.operation = value.toLowerCase();
    else if (name === "kind") words.kind = value.toLowerCase();
    else if (name === "from") words.address = value;
    else if (name === "result" && result !== undefined) words.result = result;
    else if ((name === "after" || name === "before") && IS_DAY.test(value)) words[name] = value;
    else rest.push(one);
  }
  return { ...words, what: rest.join(" ") };
}

/** A range of times as the contract writes it: `[2026-03-01 00:00:00~]`; empty: none. Days are whole days in UTC, both included. */
export function rangeOf(after: string | undefined, before: string | undefined): string {
  return after || before ? `[${after ? `${after} 00:00:00` : ""}~${before ? `${before} 23:59:59` : ""}]` : "";
}

import { expect, test } from "vitest";
import { csvOf } from "./csv.ts";
import { rangeOf, readWords } from "./filterSyntax.ts";

test("words narrow the log, the rest is looked for in what was acted on", () => {
  expect(readWords("who:alice op:Delete kind:tag after:2026-03-01 before:2026-03-31 team/web")).toEqual({ who: "alice", operation: "delete", kind: "tag", after: "2026-03-01", before: "2026-03-31", what: "team/web" });
  expect(readWords("result:refused from:10.2.0.14")).toEqual({ result: "false", address: "10.2.0.14", what: "" });
});

test("what is no word of ours is looked for as it is", () => {
  expect(readWords("team/app:v1 who: after:yesterday sha256:ab")).toEqual({ what: "team/app:v1 who: after:yesterday sha256:ab" });
});

test("days are a range of the contract", () => {
  expect(rangeOf("2026-03-01", undefined)).toBe("[2026-03-01 00:00:00~]");
  expect(rangeOf(undefined, "2026-03-31")).toBe("[~2026-03-31 23:59:59]");
  expect(rangeOf(undefined, undefined)).toBe("");
});

test("a table for other programs has its signs quoted, and nothing in it is a formula", () => {
  expect(csvOf([["a", 'say "x"'], ["b,c", "=1+1"], ["-1", "line\nend"]])).toBe('a,"say ""x"""\r\n"b,c",\'=1+1\r\n\'-1,"line\nend"\r\n');
});

import { expect, test } from "vitest";
import { warningsOf } from "./warnings.ts";

test("each warning of a reply is told by what it is about", () => {
  expect(warningsOf(null)).toEqual([]);
  const header = '299 - "The directory cannot be used now. bind: result code 49: say \\"no\\"", 299 - "This provider cannot be used. It cannot be reached", 299 - "ignored, not known here: colour"';
  expect(warningsOf(header)).toEqual([
    { service: "ldap", said: 'The directory cannot be used now. bind: result code 49: say "no"' },
    { service: "oidc", said: "This provider cannot be used. It cannot be reached" },
    { service: null, said: "ignored, not known here: colour" },
  ]);
});

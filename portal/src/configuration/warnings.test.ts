import { expect, test } from "vitest";
import { warningsOf } from "./warnings.ts";

test("each warning of a reply is told by what it is about", () => {
  expect(warningsOf(new Headers())).toEqual([]);
  const headers = new Headers({
    "Warning": '299 - "ignored, not known here: colour", 299 - "No bind: result code 49: say \\"no\\"", 299 - "It cannot be reached"',
    "Warning-Codes": "NAMES_IGNORED, DIRECTORY_UNUSABLE, PROVIDER_UNUSABLE",
  });
  expect(warningsOf(headers)).toEqual([
    { service: null, said: "ignored, not known here: colour" },
    { service: "ldap", said: 'No bind: result code 49: say "no"' },
    { service: "oidc", said: "It cannot be reached" },
  ]);
});

// What is said to whoever is kept outside, and why.
import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { show } from "../../tests/render.tsx";
import { Problem } from "../api/problem.ts";
import { ProblemBox } from "./ProblemBox.tsx";

test.each([
  [401, "CREDENTIALS_INVALID", 0, "The user name or the password is not right. If they are, the account may be locked: ask an administrator."],
  [403, "ACCOUNT_DISABLED", 0, "This account is locked. Ask an administrator to unlock it."],
  [503, "DIRECTORY_UNAVAILABLE", 5, "The directory did not answer, so your password was not checked. Accounts of this server still work. Try again in a moment."],
  [429, "SIGN_UPS_THROTTLED", 900, "Too many accounts were made from your network. Wait 900 s, or ask an administrator."],
])("%i %s is said in words of our own, with the server's below", async (status, reason, wait, said) => {
  await show(() => <ProblemBox error={new Problem(status, "CODE", "what the server says", "request-1", { reason }, wait)} />);
  expect(screen.getByText(said)).toBeTruthy();
  expect(screen.getByText(/what the server says/)).toBeTruthy();
});

test("a name that is locked is said to be so until a time that does not move", async () => {
  const problem = new Problem(429, "TOO_MANY_REQUESTS", "", "", { reason: "LOGIN_THROTTLED" }, 30);
  Object.assign(problem, { at: new Date(2026, 0, 2, 3, 4, 5) });
  await show(() => <ProblemBox error={problem} />);
  expect(screen.getByText(/locked until 3:04:35\sAM\. Then try again\./)).toBeTruthy();
});

test("a refusal is said in the reader's words, with what the server named, and its own sentence below", async () => {
  const detail = { reason: "TAG_IMMUTABLE", tag: "v1.4.0", rule: 7 };
  await show(() => <ProblemBox error={new Problem(412, "PRECONDITION", "what the server says", "", detail)} />);
  expect(screen.getByText("The tag v1.4.0 can't move or be deleted: a rule of this project makes it immutable.")).toBeTruthy();
  expect(screen.getByText(/what the server says/)).toBeTruthy();
});

test("a refusal without words of our own is said in the server's", async () => {
  await show(() => <ProblemBox error={new Problem(400, "BAD_REQUEST", "Each rule has a name.", "", { reason: "RULE_INVALID" })} />);
  expect(screen.getAllByText("Each rule has a name.").length).toBe(1);
});

// What is said to whoever is kept outside, and why.
import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { show } from "../../tests/render.tsx";
import { Problem } from "../api/problem.ts";
import { ProblemBox } from "./ProblemBox.tsx";

test.each([
  [401, "CREDENTIALS_INVALID", 0, "The user name or the password is not right. If they are, the account may be locked: ask an administrator."],
  [429, "LOGIN_THROTTLED", 30, "Too many wrong passwords for this name: it is locked for 30 s. Then try again."],
  [403, "ACCOUNT_DISABLED", 0, "This account is locked. Ask an administrator to unlock it."],
  [503, "DIRECTORY_UNAVAILABLE", 5, "The directory did not answer, so your password was not checked. Accounts of this server still work. Try again in a moment."],
  [429, "SIGN_UPS_THROTTLED", 900, "Too many accounts were made from your network. Wait 900 s, or ask an administrator."],
])("%i %s is said in words of our own, with the server's below", async (status, reason, wait, said) => {
  await show(() => <ProblemBox error={new Problem(status, "CODE", "what the server says", "request-1", { reason }, wait)} />);
  expect(screen.getByText(said)).toBeTruthy();
  expect(screen.getByText(/what the server says/)).toBeTruthy();
});

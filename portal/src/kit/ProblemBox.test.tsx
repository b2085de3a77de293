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
  const detail = { reason: "TAG_IMMUTABLE", tag: "v1.4.0", rule: 7, pattern: "v*" };
  await show(() => <ProblemBox error={new Problem(412, "PRECONDITION", "what the server says", "", detail)} />);
  expect(screen.getByText("Tag v1.4.0 can't be moved or deleted: the rule v* makes it immutable.")).toBeTruthy();
  expect(screen.getByText(/what the server says/).closest("details")).not.toBeNull();
});

test("sizes are written as the language writes them", async () => {
  const detail = { reason: "QUOTA_EXCEEDED", asked_bytes: 1.2 * 2 ** 30, left_bytes: 310 * 2 ** 20, limit_bytes: 20 * 2 ** 30 };
  await show(() => <ProblemBox error={new Problem(403, "DENIED", "adding", "", detail)} />, { language: "zh-CN" });
  expect(screen.getByText("此操作需要 1.2 GiB，而 20 GiB 配额仅剩 310 MiB。可删除标签、清空回收站，或申请更大的配额。")).toBeTruthy();
});

test("a cause that is finer than the reason has words of its own", async () => {
  const detail = { reason: "DIRECTORY_UNAVAILABLE", which: "DIRECTORY_SLOW_SIGN_IN", host: "ldap.example.com", seconds: 5 };
  await show(() => <ProblemBox error={new Problem(503, "SERVICE_UNAVAILABLE", "slow", "", detail, 5)} />);
  expect(screen.getByText("The directory (ldap.example.com) did not answer in 5 s. Your password was not checked. Local accounts still work.")).toBeTruthy();
});

test("where several rules hold, the server's sentence stands beside our words, as English", async () => {
  await show(() => <ProblemBox error={new Problem(400, "BAD_REQUEST", "Each rule has a name.", "", { reason: "RULE_INVALID" })} />, { language: "zh-CN" });
  expect(screen.getByText("规则无法这样使用。请检查其模式和数字。")).toBeTruthy();
  expect(screen.getAllByText("Each rule has a name.")[0]?.closest("[lang=en]")).not.toBeNull();
});

test("a reason without words is said by its status, never in English alone", async () => {
  await show(() => <ProblemBox error={new Problem(409, "CONFLICT", "The moon is full.", "", { reason: "MOON_FULL" })} />, { language: "zh-CN" });
  expect(screen.getByText("当前状态下无法执行此操作。服务器的说明见下方（英文）。")).toBeTruthy();
});

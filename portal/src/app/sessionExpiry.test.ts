import { expect, test } from "vitest";
import { endingOf } from "./sessionExpiry.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const session = (idle: number, timeout: number, lifetime: number) => ({ idle_seconds: idle, idle_timeout_seconds: timeout, lifetime_seconds: lifetime });

test("long before its end nothing is said, and the next look is when it is time", () => {
  expect(endingOf(session(3600, 3600, 40_000), NOW)).toEqual({ ending: null, wait: 3300 });
  expect(endingOf(session(3600, 3600, 1000), NOW)).toEqual({ ending: null, wait: 700 });
});

test("near its end it is said when that is, and whether using it helps", () => {
  expect(endingOf(session(240, 3600, 40_000), NOW)).toEqual({ ending: { at: new Date("2026-01-02T03:08:05Z"), renews: true }, wait: 15 });
  expect(endingOf(session(3600, 3600, 60), NOW)).toEqual({ ending: { at: new Date("2026-01-02T03:05:05Z"), renews: false }, wait: 15 });
});

test("a session of few idle minutes is not said to end all the time", () => {
  expect(endingOf(session(180, 180, 40_000), NOW).ending).toBeNull();
  expect(endingOf(session(59, 180, 40_000), NOW).ending?.renews).toBe(true);
});

test("a timer never overflows, and the end itself is looked at", () => {
  expect(endingOf(session(9_999_999, 9_999_999, 9_999_999), NOW).wait).toBe(86_400);
  expect(endingOf(session(0, 3600, 40_000), NOW).wait).toBe(1);
});

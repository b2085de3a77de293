import { expect, test } from "vitest";
import { daysOf, spanOf } from "./queries.ts";

test("a range ends today and has as many days as it says, in UTC", () => {
  const now = new Date("2026-03-01T00:30:00Z");
  expect(spanOf("7", now)).toEqual({ from: "2026-02-23", by: "day" });
  expect(spanOf("30", now).from).toBe("2026-01-31");
  expect(spanOf("365", now)).toEqual({ from: "2025-03-02", by: "week" });
});

test("days by name are asked for as they are, by week where they are many", () => {
  const now = new Date("2026-03-01T12:00:00Z");
  expect(spanOf({ from: "2026-01-01", to: "2026-01-31" }, now)).toEqual({ from: "2026-01-01", to: "2026-01-31", by: "day" });
  expect(spanOf({ from: "2025-01-01", to: "2026-01-31" }, now).by).toBe("week");
});

test("days of an address that cannot be asked for are none", () => {
  const now = new Date("2026-03-01T12:00:00Z");
  expect(daysOf("2026-01-01", "2026-01-31", now)).toEqual({ from: "2026-01-01", to: "2026-01-31" });
  for (const [from, to] of [["2026-02-01", "2026-01-31"], ["2026-04-01", "2026-04-02"], ["1999-01-01", "2026-01-01"], ["2026-13-01", "2026-14-01"], ["x", "2026-01-01"], [undefined, undefined]]) expect(daysOf(from, to, now)).toBeNull();
});

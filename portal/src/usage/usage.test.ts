import { expect, test } from "vitest";
import { spanOf } from "./queries.ts";

test("a range ends today and has as many days as it says, in UTC", () => {
  const now = new Date("2026-03-01T00:30:00Z");
  expect(spanOf("7", now)).toEqual({ from: "2026-02-23", by: "day" });
  expect(spanOf("30", now).from).toBe("2026-01-31");
  expect(spanOf("365", now)).toEqual({ from: "2025-03-02", by: "week" });
});

import { expect, test } from "vitest";
import { signed, valueOf } from "./differences.ts";

test("values of configs are readable", () => {
  expect(valueOf(undefined)).toBe("");
  expect(valueOf(null)).toBe("");
  expect(valueOf("/srv")).toBe("/srv");
  expect(valueOf(["sh", "-c"])).toBe('["sh","-c"]');
  expect([signed(3, "3 B"), signed(-3, "3 B"), signed(0, "0 B")]).toEqual(["+3 B", "−3 B", "0 B"]);
});

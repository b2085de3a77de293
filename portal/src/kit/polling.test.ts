import { expect, test } from "vitest";
import { paceOf } from "./polling.ts";

test("work is looked at every two seconds, and every ten while nobody sees it", () => {
  expect(paceOf(false, false, 0)).toBe(2_000);
  expect(paceOf(true, false, 0)).toBe(10_000);
  expect(paceOf(true, false, 0, 15_000)).toBe(15_000);
});

test("a server that does not answer is asked ever more seldom, at last once a minute", () => {
  expect(paceOf(false, true, 500)).toBe(2_000);
  expect(paceOf(false, true, 9_000)).toBe(9_000);
  expect(paceOf(false, true, 900_000)).toBe(60_000);
});

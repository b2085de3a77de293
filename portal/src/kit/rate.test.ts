import { expect, test } from "vitest";
import { rateOf, remember, saidLeft, type Seen } from "./rate.ts";

const at = (seconds: number, bytes: number, done = 0): Seen => ({ at: seconds * 1000, done, bytes });

test("the rate is that of the last half minute", () => {
  let seen: Seen[] = [];
  for (const [seconds, bytes] of [[0, 0], [10, 10_000], [40, 10_000], [50, 20_000]] as const) seen = remember(seen, at(seconds, bytes));
  expect(seen.map((one) => one.at)).toEqual([40_000, 50_000]);
  expect(rateOf(seen)).toBe(1000);
  expect(rateOf([at(0, 0, 2), at(10, 0, 7)])).toBe(0.5);
});

test("too little is no rate, and work that began anew has none yet", () => {
  expect(rateOf([at(0, 5)])).toBeNull();
  expect(rateOf([at(0, 5), at(2, 9)])).toBeNull();
  expect(remember([at(0, 500)], at(5, 10))).toEqual([at(5, 10)]);
});

test("time left is rounded, and is not told of the beginning nor of the last seconds", () => {
  expect(saidLeft(24, 0.5)).toBe(25);
  expect(saidLeft(192, 0.5)).toBe(180);
  expect(saidLeft(5000, 0.5)).toBe(4800);
  expect(saidLeft(9, 0.5)).toBeNull();
  expect(saidLeft(-1, 0.5)).toBeNull();
  expect(saidLeft(200, 0.04)).toBeNull();
  expect(saidLeft(200, null)).toBeNull();
});

import { expect, test } from "vitest";
import { apart, placesOf, ticksOf } from "./chart.ts";

const GIB = 1024 ** 3;

test("ticks begin at nothing, reach the most, and are round in the unit that is shown", () => {
  expect(ticksOf(3.4 * GIB, "bytes").map((one) => one / GIB)).toEqual([0, 1, 2, 3, 4]);
  expect(ticksOf(700, "count")).toEqual([0, 200, 400, 600, 800]);
  expect(ticksOf(1, "count")).toEqual([0, 1]);
  expect(ticksOf(0, "bytes")).toEqual([0, 1]);
});

test("labels keep apart, keep their order and stay inside", () => {
  expect(apart([10, 12], 14, 100)).toEqual([10, 24]);
  expect(apart([99, 98], 14, 100)).toEqual([100, 86]);
  expect(apart([5], 14, 100)).toEqual([5]);
});

test("words along an axis end with the last and are as far from each other", () => {
  expect(placesOf(30, 4)).toEqual([9, 19, 29]);
  expect(placesOf(7, 7)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(placesOf(2, 6)).toEqual([0, 1]);
  expect(placesOf(1, 6)).toEqual([0]);
  expect(placesOf(0, 6)).toEqual([]);
});

import { expect, test, vi } from "vitest";
import { Problem } from "../api/problem.ts";
import { tryEach } from "./batch.ts";

test("what is refused keeps none of the others from it, and is told with its name and why", async () => {
  const told = vi.fn();
  const refused = new Problem(403, "DENIED", "You may not.", "request-2", {});
  const { done, left } = await tryEach([1, 2, 3], (one) => `n${one}`, async (one) => { if (one === 2) throw refused; }, told);
  expect(done).toEqual([1, 3]);
  expect(left).toEqual([{ one: 2, name: "n2", problem: refused }]);
  expect(told.mock.calls.flat()).toEqual([1, 2, 3]);
});

test("who stops leaves the others as they are", async () => {
  const acted: number[] = [];
  const { done, left } = await tryEach([1, 2, 3], String, async (one) => { acted.push(one); }, undefined, () => acted.length === 2);
  expect([acted, done, left]).toEqual([[1, 2], [1, 2], []]);
});

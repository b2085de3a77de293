import { expect, test } from "vitest";
import { Problem } from "../api/problem.ts";
import { removeEach, type Going } from "./removals.ts";

const refusal = (reason: string) => new Problem(412, "DENIED", "", "r", { reason });
const going = (name: string, remove: Going["remove"]): Going => ({ name, entry: `p/app@${name}`, remove });

test("what could not go is told with why, and the others go", async () => {
  const told: number[] = [];
  const { gone, stay } = await removeEach(
    [going("a", async () => undefined), going("b", () => Promise.reject(refusal("TAG_IMMUTABLE"))), going("c", async () => undefined)],
    (count) => told.push(count), () => false,
  );
  expect(gone.map((one) => one.name)).toEqual(["a", "c"]);
  expect(stay.map(({ one, problem }) => [one.name, problem.reason])).toEqual([["b", "TAG_IMMUTABLE"]]);
  expect(told.at(-1)).toBe(3);
});

test("what an index needs goes after the index, or along with it", async () => {
  const left = new Set(["child", "other", "index"]);
  const child = (name: string) => async () => {
    if (left.has("index")) throw refusal("MANIFEST_IN_USE");
    return left.delete(name) ? undefined : "along";
  };
  const { gone, stay } = await removeEach([going("child", child("child")), going("other", child("other")), going("index", async () => { left.delete("index"); left.delete("child"); })], () => undefined, () => false);
  expect(gone.map((one) => [one.name, one.entry])).toEqual([["index", "p/app@index"], ["child", null], ["other", "p/app@other"]]);
  expect(stay).toEqual([]);
});

test("what stays in use is told once, and a stop leaves the rest", async () => {
  let asked = 0;
  const inUse = going("a", async () => { asked += 1; throw refusal("MANIFEST_IN_USE"); });
  expect((await removeEach([inUse], () => undefined, () => false)).stay.length).toBe(1);
  expect(asked).toBe(1);
  let tries = 0;
  const { gone, stay } = await removeEach([going("a", async () => { tries += 1; }), going("b", async () => { tries += 1; })], () => undefined, () => tries > 0);
  expect([gone.length, stay.length]).toEqual([1, 0]);
});

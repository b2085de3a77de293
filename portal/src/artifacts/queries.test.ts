import { describe, expect, it } from "vitest";
import { inLists } from "./queries.ts";

describe("names of a page in a query", () => {
  it("stand in one list while it is short enough", () => {
    expect(inLists([])).toEqual([]);
    expect(inLists(["team/a", "team/b"])).toEqual(["name={team/a team/b}"]);
  });

  it("stand in several lists of at most 1024 bytes, each name once and in its order", () => {
    for (const length of [20, 28, 250, 255]) {
      const names = Array.from({ length: 100 }, (_, index) => `team/${index}-`.padEnd(length, "x"));
      const lists = inLists(names);
      expect(Math.max(...lists.map((one) => one.length))).toBeLessThanOrEqual(1024);
      expect(lists.flatMap((one) => one.slice("name={".length, -1).split(" "))).toEqual(names);
      expect(lists.length).toBeLessThanOrEqual(Math.ceil((100 * (length + 1)) / (1024 - length)));
    }
  });
});

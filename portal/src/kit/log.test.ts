import { expect, test } from "vitest";
import { chosenOf, linesOf, piecesOf } from "./log.ts";

const TEXT = "2026-03-01T12:00:00Z [INFO] begins\n2026-03-01T12:00:01Z [WARNING] slow\n  because of the disk\n2026-03-01T12:00:02Z [ERROR] failed\n";

test("lines have their number and level; one that says none belongs to the line before", () => {
  const lines = linesOf(TEXT, 100);
  expect(lines.map((one) => [one.n, one.level])).toEqual([[1, "info"], [2, "warning"], [3, "warning"], [4, "error"]]);
  expect(linesOf(TEXT, 2).map((one) => one.n)).toEqual([3, 4]);
});

test("lines are chosen by level and by words, whatever their case", () => {
  const lines = linesOf(TEXT, 100);
  expect(chosenOf(lines, "warning", "").map((one) => one.n)).toEqual([2, 3, 4]);
  expect(chosenOf(lines, "debug", "DISK").map((one) => one.n)).toEqual([3]);
  expect(chosenOf(lines, "debug", "")).toBe(lines);
});

test("colours of a terminal are colours of ours; whatever else is no sign is seen as one", () => {
  expect(piecesOf("\u001b[1;31mno\u001b[0m yes \u001b[2J\u0007")).toEqual([{ text: "no", ink: "danger", strong: true }, { text: " yes ␛[2J␛" }]);
  expect(piecesOf("a\tb")).toEqual([{ text: "a\tb" }]);
  expect(piecesOf("")).toEqual([]);
});

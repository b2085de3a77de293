import { expect, test } from "vitest";
import { together } from "./AddMember.tsx";

test("names with commas between them are chosen together, each once; a group and a person may be called the same", () => {
  const people = together([], "u", "alice, bob,alice ,");
  expect(people).toEqual([{ kind: "u", name: "alice" }, { kind: "u", name: "bob" }]);
  expect(together(people, "g", "alice")).toEqual([...people, { kind: "g", name: "alice" }]);
  expect(together(people, "u", " ")).toEqual(people);
});

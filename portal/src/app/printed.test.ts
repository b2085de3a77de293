import { expect, test } from "vitest";
import { marginsOf } from "./Printed.tsx";

test("what stands below a sheet is text, whatever its signs are", () => {
  const made = marginsOf('https://example.org/a?q="\\', "Printed by 陈静");
  expect(made).toContain('content: "https://example.org/a?q=\\"\\\\"');
  expect(made).toContain('"Printed by 陈静"');
});

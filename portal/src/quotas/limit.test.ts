import { expect, test } from "vitest";
import { limitOf, shownLimit } from "./limit.ts";

test.each([[-1, ""], [0, "0"], [1024 ** 3, "1"], [1.5 * 1024 ** 3, "1.5"]])("%s bytes are %s GiB, and back", (limit, text) => {
  expect(shownLimit(limit)).toBe(text);
  expect(limitOf(text)).toBe(limit);
});

import { screen } from "@testing-library/react";
import { Suspense } from "react";
import { expect, test } from "vitest";
import { show } from "../../tests/render.tsx";
import { lazyPart } from "./lazyPart.ts";

test.each([["refused", () => Promise.reject(new TypeError("Failed to fetch dynamically imported module"))], ["taken by the band", () => Promise.resolve(undefined)]])("a part that is gone since an upgrade takes nothing with it: %s", async (_, load) => {
  const Gone = lazyPart(load as unknown as () => Promise<{ default: () => null }>);
  await show(() => <><input aria-label="typed" defaultValue="kept" /><Suspense fallback="comes"><Gone /></Suspense><p>below</p></>);
  await screen.findByText("below");
  await expect.poll(() => screen.queryByText("comes")).toBeNull();
  expect(screen.getByLabelText<HTMLInputElement>("typed").value).toBe("kept");
});

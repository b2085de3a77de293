import { act, waitFor } from "@testing-library/react";
import { useState } from "react";
import { expect, test, vi } from "vitest";
import { show } from "../../tests/render.tsx";
import { say } from "./announcer.ts";
import { useSaidWork } from "./Work.tsx";

const heard = () => document.querySelector("[data-said]")?.textContent ?? "";

test("what is said is heard at one place, and gone later; while a dialog is open inside of it", () => {
  vi.useFakeTimers();
  const wait = (time: number) => act(() => { vi.advanceTimersByTime(time); });
  say("Copied");
  expect(heard()).toBe("");
  wait(150);
  expect(heard()).toBe("Copied");
  wait(6000);
  expect(heard()).toBe("");
  const dialog = document.body.appendChild(document.createElement("div"));
  dialog.setAttribute("role", "dialog");
  say("Copied");
  wait(150);
  expect(dialog.textContent).toBe("Copied");
  dialog.remove();
  say("Moved");
  wait(150);
  expect(heard()).toBe("Moved");
  expect(document.querySelectorAll("[data-said]")).toHaveLength(1);
  wait(6000);
  vi.useRealTimers();
});

test("work is said when it begins, at each quarter and at its end, and not in between", async () => {
  let go: (status: string, part: number) => void = () => undefined;
  function Work() {
    const [[status, part], set] = useState<[string, number]>(["Pending", 0]);
    go = (...next) => set(next);
    useSaidWork(status, part, `copy ${Math.round(part * 100)} %`);
    return <p />;
  }
  await show(Work);
  const said: string[] = [];
  for (const part of [0, 0.1, 0.26, 0.49, 0.5, 0.99]) {
    act(() => go("Running", part));
    await waitFor(() => expect(heard()).not.toBe(""));
    if (said.at(-1) !== heard()) said.push(heard());
  }
  act(() => go("Success", 1));
  await waitFor(() => expect(heard()).toBe("copy 100 %: Done"));
  expect(said).toEqual(["copy 0 %: Running", "copy 26 %: Running", "copy 50 %: Running", "copy 99 %: Running"]);
});

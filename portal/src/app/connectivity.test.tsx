import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UNREACHABLE, useReach } from "./connectivity.ts";

const Shown = () => <p>{String(useReach())}</p>;

beforeEach(() => vi.useFakeTimers());
afterEach(() => { cleanup(); vi.useRealTimers(); vi.unstubAllGlobals(); });

test("a server that is away is asked every eight seconds, until it answers", async () => {
  const answers = [new Response("", { status: 503 }), new Response("Pong")];
  const asked = vi.fn(() => Promise.resolve(answers.shift() ?? new Response("Pong")));
  vi.stubGlobal("fetch", asked);
  render(<Shown />);
  expect(screen.getByText("null")).toBeTruthy();
  act(() => void window.dispatchEvent(new Event(UNREACHABLE)));
  expect(screen.getByText("8")).toBeTruthy();
  await act(() => vi.advanceTimersByTimeAsync(3000));
  expect(screen.getByText("5")).toBeTruthy();
  await act(() => vi.advanceTimersByTimeAsync(5000));
  expect(asked).toHaveBeenCalledTimes(1);
  expect(screen.getByText("8")).toBeTruthy(); // not yet
  await act(() => vi.advanceTimersByTimeAsync(8000));
  expect(asked).toHaveBeenCalledTimes(2);
  expect(screen.getByText("null")).toBeTruthy();
});

import { expect, test } from "vitest";
import { proxyProblem, shownLimit } from "./proxy.ts";

test("what a proxy cache takes is checked before it is sent", () => {
  expect(proxyProblem("proxy_cache_tag_seconds", "60")).toBeNull();
  expect(proxyProblem("proxy_cache_tag_seconds", "2592001")).toBe("seconds");
  expect(proxyProblem("proxy_speed_kb", "-1")).toBeNull();
  expect(proxyProblem("proxy_speed_kb", "1.5")).toBe("limit");
  expect(proxyProblem("proxy_cache_filter_pattern", "anything")).toBeNull();
  expect(shownLimit("-1")).toBe("");
  expect(shownLimit("3")).toBe("3");
});

import { expect, test } from "vitest";
import { breakable, bytes, daySign, duration, figure, inPlatformOrder, listed, relative, shortDigest, shortPlatforms, timeOf } from "./format.ts";

test.each([
  [0, "0 B"], [1023, "1023 B"], [1024, "1 KiB"], [1536, "1.5 KiB"], [1048575, "1 MiB"], [1342177280, "1.25 GiB"], [1023 * 1024, "1023 KiB"], [5 * 1024 ** 4, "5 TiB"], [-2048, "-2 KiB"],
])("%d bytes are %s", (count, text) => expect(bytes(count, "en-US")).toBe(text.replace(" ", "\u00a0")));

test("bytes have the language's decimal sign and the same units", () => expect(bytes(1342177280, "de-DE")).toBe("1,25\u00a0GiB"));

test("a time is relative for seven days, then a date", () => {
  const now = new Date("2026-11-27T12:00:00Z");
  expect(relative(new Date("2026-11-27T11:46:00Z"), now, "en-US")).toBe("14 min. ago");
  expect(relative(new Date("2026-11-27T11:59:40Z"), now, "en-US")).toBe("now");
  expect(relative(new Date("2026-11-24T12:00:00Z"), now, "en-US")).toBe("3 days ago");
  expect(relative(new Date("2026-11-20T11:00:00Z"), now, "en-US")).toBe("Nov 20, 2026");
  expect(relative(new Date("2026-11-27T11:46:00Z"), now, "zh-CN")).toBe("14分钟前");
});

test("the contract's year 1 is never", () => {
  expect(timeOf("0001-01-01T00:00:00Z")).toBeNull();
  expect(timeOf(null)).toBeNull();
  expect(timeOf("nothing")).toBeNull();
  expect(timeOf("2026-01-01T00:00:00Z")?.getTime()).toBe(1767225600000);
});

test("a duration has its two largest units", () => {
  expect(duration(69, "en-US")).toBe("1 min, 9 sec");
  expect(duration(0, "en-US")).toBe("0 sec");
  expect(duration(90_000, "en-US")).toBe("1 day, 1 hr");
});

test("days have the sign of the language", () => {
  expect(["en-US", "de-DE", "fr-FR", "zh-CN"].map(daySign)).toEqual(["\u00a0d", "\u00a0T", "\u00a0j", "天"]);
});

test("words stand one after the other as the language does it", () => {
  expect(listed(["Pushed", "Pulled"], "en-US")).toBe("Pushed, Pulled");
  expect(listed(["Gepusht", "Gepullt", "Gelöscht"], "de-DE")).toBe("Gepusht, Gepullt und Gelöscht");
  expect(listed(["推送", "拉取", "删除"], "zh-CN")).toBe("推送、拉取、删除");
});

test("a digest is short, and short things stay whole", () => {
  expect(shortDigest(`sha256:9b1c52d0${"0".repeat(52)}e07a`)).toBe("sha256:9b1c52d0…e07a");
  expect(shortDigest("sha256:abc")).toBe("sha256:abc");
});

test("names break only where that is harmless, and nothing is lost", () => {
  expect(breakable("team/backend-api:v1.0")).toEqual(["team/", "backend-", "api:", "v1.", "0"]);
  expect(breakable("a/b@sha256:ff").join("")).toBe("a/b@sha256:ff");
});

test("platforms have one order everywhere", () => {
  expect(inPlatformOrder(["windows/amd64", "linux/riscv64", "linux/arm64", "freebsd/amd64", "linux/amd64"])).toEqual(["linux/amd64", "linux/arm64", "linux/riscv64", "windows/amd64", "freebsd/amd64"]);
  expect(shortPlatforms(["linux/arm/v7", "linux/amd64"])).toEqual(["amd64", "arm/v7"]);
  expect(shortPlatforms(["windows/amd64", "linux/amd64"])).toEqual(["linux/amd64", "windows/amd64"]);
});

test.each([["en-US", 1_312, "1,312"], ["en-US", 18_204, "18.2K"], ["de-DE", 9_999, "9.999"], ["zh-CN", 18_204, "1.82万"]])("figures in %s: %i is %s", (language, count, said) => {
  expect(figure(count, language)).toBe(said);
});

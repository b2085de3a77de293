// Numbers, bytes, times and names for people, by the language of the reader. Pure functions; `use…` are in show.tsx.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;
const NBSP = "\u00a0";

/** Bytes in powers of 1024 with three significant digits: `1.25 GiB`. */
export function bytes(count: number, language: string): string {
  const negative = count < 0 ? "-" : "";
  let value = Math.abs(count);
  let unit = 0;
  while (unit < UNITS.length - 1 && roundTo3(value) >= 1024) {
    value /= 1024;
    unit += 1;
  }
  const figure = new Intl.NumberFormat(language, unit === 0 ? { maximumFractionDigits: 0, useGrouping: false } : { maximumSignificantDigits: 3, useGrouping: false });
  const shown = value >= 1000 && unit > 0 ? new Intl.NumberFormat(language, { maximumFractionDigits: 0, useGrouping: false }).format(value) : figure.format(value);
  return `${negative}${shown}${NBSP}${UNITS[unit]}`;
}

const roundTo3 = (value: number) => (value >= 1000 ? Math.round(value) : Number(value.toPrecision(3)));

/** A count with the language's separators: `1,312`. */
export const number = (count: number, language: string): string => new Intl.NumberFormat(language).format(count);

/** A big count in short, for figures only: `18.2K`. */
export const compact = (count: number, language: string): string =>
  new Intl.NumberFormat(language, { notation: "compact", maximumSignificantDigits: 3 }).format(count);

/** One of the few figures of a page's head: a count that has five digits or more in short, `18.2K`, 1.8万. */
export const figure = (count: number, language: string): string => (count < 10_000 ? number : compact)(count, language);

/** A share as whole per cent: `61%`. */
export const percent = (part: number, language: string): string => new Intl.NumberFormat(language, { style: "percent" }).format(part);

/** A time in full, with its zone, for a tooltip. */
export const fullTime = (time: Date, language: string): string => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" }).format(time);

export const dateTime = (time: Date, language: string): string => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(time);

export const date = (time: Date, language: string): string => new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(time);

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** Whether it is less than seven days away. */
export const isRecent = (time: Date, now: Date): boolean => Math.abs(time.getTime() - now.getTime()) < 7 * 86_400_000;

/** `14 minutes ago` up to seven days away, else the date. */
export function relative(time: Date, now: Date, language: string): string {
  const seconds = (time.getTime() - now.getTime()) / 1000;
  if (!isRecent(time, now)) return date(time, language);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(0, "second");
}

/** Seconds as `1 min, 9 sec`; the two largest units. */
export function duration(seconds: number, language: string): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [[Math.floor(whole / 86_400), "day"], [Math.floor(whole / 3_600) % 24, "hour"], [Math.floor(whole / 60) % 60, "minute"], [whole % 60, "second"]];
  const first = parts.findIndex(([count]) => count > 0);
  const used = first < 0 ? [parts[3] as [number, string]] : parts.slice(first, first + 2).filter(([count]) => count > 0);
  return new Intl.ListFormat(language, { type: "unit", style: "short" }).format(
    used.map(([count, unit]) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(count)),
  );
}

/** What stands behind a number of days in a field: ` d`, `天`; never in the plural, since it stands while the number is typed. */
export function daySign(language: string): string {
  const parts = new Intl.NumberFormat(language, { style: "unit", unit: "day", unitDisplay: "narrow" }).formatToParts(1);
  const unit = parts.find((one) => one.type === "unit")?.value ?? "d";
  return /^\p{Script=Latin}|^\p{Script=Cyrillic}/u.test(unit) ? `${NBSP}${unit}` : unit;
}

/** Words one after the other, as the language does it: `Pushed, Deleted`, `推送、删除`. */
export const listed = (words: readonly string[], language: string): string => new Intl.ListFormat(language, { type: "conjunction", style: "narrow" }).format(words);

/** A time of the API, or null where there is none: the contract writes year 1 for "never". */
export function timeOf(text: string | null | undefined): Date | null {
  if (!text) return null;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1970 ? null : time;
}

/** `sha256:9b1c52d0…e07a`; the whole digest belongs in the title and in the copy. */
export function shortDigest(digest: string): string {
  const cut = digest.indexOf(":") + 1;
  return digest.length - cut > 16 ? `${digest.slice(0, cut + 8)}…${digest.slice(-4)}` : digest;
}

/** Where a long name may be broken: after each of `/ : @ - _ .`. */
export const breakable = (name: string): string[] => name.split(/(?<=[/:@\-_.])/);

const ORDER = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le", "linux/s390x", "linux/riscv64"];

/** Platforms in the one order that all pages have. */
export function inPlatformOrder(names: readonly string[]): string[] {
  const rank = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : name.startsWith("windows") ? 50 : 60);
  return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}

/** `arm64` for `linux/arm64` when all are linux; the whole name otherwise. */
export function shortPlatforms(names: readonly string[]): string[] {
  const all = inPlatformOrder(names);
  return all.every((name) => name.startsWith("linux/")) ? all.map((name) => name.slice("linux/".length)) : all;
}

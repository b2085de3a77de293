import { expect, test } from "vitest";
import { nextOf, plainCron, weekdayName, type Plain } from "./cron.ts";

test.each([
  ["0 30 3 * * 0", { every: "week", weekday: 0, hour: 3, minute: 30 }], ["0 5 2 * * *", { every: "day", weekday: 0, hour: 2, minute: 5 }], ["0 0 * * * *", { every: "hour", weekday: 0, hour: 0, minute: 0 }],
])("%s is simple enough for words", (cron, plain) => expect(plainCron(cron)).toEqual(plain));

test.each(["0 */5 * * * *", "5 0 0 * * *", "0 0 0 1 * *", "0 0 3 * * mon", "0 0 25 * * *", "0 0 3 * *", "0 0 3 * * 0 2026"])("%s stays as it is", (cron) => expect(plainCron(cron)).toBeNull());

test("0 is Sunday", () => expect([weekdayName(0, "en-US"), weekdayName(6, "en-US")]).toEqual(["Sunday", "Saturday"]));

test.each([
  ["0 30 3 * * 0", "2026-03-07T12:00:00Z", "2026-03-08T03:30:00.000Z"], ["0 30 3 * * 0", "2026-03-08T03:30:00Z", "2026-03-15T03:30:00.000Z"],
  ["0 5 2 * * *", "2026-03-07T02:04:59Z", "2026-03-07T02:05:00.000Z"], ["0 0 * * * *", "2026-03-07T23:10:00Z", "2026-03-08T00:00:00.000Z"],
])("%s after %s is %s", (cron, now, next) => expect(nextOf(plainCron(cron) as Plain, new Date(now)).toISOString()).toBe(next));

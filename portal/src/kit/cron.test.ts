import { expect, test } from "vitest";
import { plainCron, weekdayName } from "./cron.ts";

test.each([
  ["0 30 3 * * 0", { every: "week", weekday: 0, hours: [3], minute: 30 }], ["0 5 2 * * *", { every: "day", weekday: 0, hours: [2], minute: 5 }], ["0 0 * * * *", { every: "hour", weekday: 0, hours: [], minute: 0 }], ["0 20 5,4 * * *", { every: "day", weekday: 0, hours: [4, 5], minute: 20 }],
])("%s is simple enough for words", (cron, plain) => expect(plainCron(cron)).toEqual(plain));

test.each(["0 */5 * * * *", "5 0 0 * * *", "0 0 0 1 * *", "0 0 3 * * mon", "0 0 25 * * *", "0 0 3 * *", "0 0 3 * * 0 2026", "0 0 3,x * * *", "0 0 1,2,3,4,5 * * *"])("%s stays as it is", (cron) => expect(plainCron(cron)).toBeNull());

test("0 is Sunday", () => expect([weekdayName(0, "en-US"), weekdayName(6, "en-US")]).toEqual(["Sunday", "Saturday"]));

// Schedules of the API: six fields, seconds first, in UTC. Said in words where they are of the usual kinds.

/** What a kind of schedule means; `Custom` is any cron expression. */
export const CRONS = { Hourly: "0 0 * * * *", Daily: "0 0 0 * * *", Weekly: "0 0 0 * * 0" } as const;
export type Kind = "None" | keyof typeof CRONS | "Custom";

export interface Plain {
  every: "hour" | "day" | "week";
  /** 0 Sunday to 6; of a week. */
  weekday: number;
  hour: number;
  minute: number;
}

/** `0 30 3 * * 0` as every Sunday at 3:30; null: it is not so simple. */
export function plainCron(cron: string): Plain | null {
  const [second, minute, hour, day, month, weekday, ...rest] = cron.trim().split(/\s+/);
  const free = (field: string | undefined) => field === "*" || field === "?";
  const fixed = (field: string | undefined, most: number) => (/^\d{1,2}$/.test(field ?? "") && Number(field) <= most ? Number(field) : null);
  const at = fixed(minute, 59);
  if (rest.length > 0 || second !== "0" || at === null || !free(day) || !free(month)) return null;
  if (free(hour)) return free(weekday) ? { every: "hour", weekday: 0, hour: 0, minute: at } : null;
  const hours = fixed(hour, 23);
  if (hours === null) return null;
  if (free(weekday)) return { every: "day", weekday: 0, hour: hours, minute: at };
  const of = fixed(weekday, 6);
  return of === null ? null : { every: "week", weekday: of, hour: hours, minute: at };
}

/** The name of a day of the week: 0 is Sunday. */
export function weekdayName(day: number, language: string): string {
  return new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2026, 1, 1 + day))); // 1 February 2026 was a Sunday
}

/** The first time after `now` that a simple schedule names; what the server itself plans is its own. */
export function nextOf(plain: Plain, now: Date): Date {
  const found = new Date(now);
  found.setUTCSeconds(0, 0);
  found.setUTCMinutes(plain.minute);
  if (plain.every !== "hour") found.setUTCHours(plain.hour);
  if (plain.every === "week") found.setUTCDate(found.getUTCDate() + ((plain.weekday - found.getUTCDay() + 7) % 7));
  while (found <= now) {
    if (plain.every === "hour") found.setUTCHours(found.getUTCHours() + 1);
    else found.setUTCDate(found.getUTCDate() + (plain.every === "day" ? 1 : 7));
  }
  return found;
}

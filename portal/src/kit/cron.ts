// Schedules of the API: six fields, seconds first, in UTC. Said in words where they are of the usual kinds.

/** What a kind of schedule means; `Custom` is any cron expression. */
export const CRONS = { Hourly: "0 0 * * * *", Daily: "0 0 0 * * *", Weekly: "0 0 0 * * 0" } as const;
export type Kind = "None" | keyof typeof CRONS | "Custom";

export interface Plain {
  every: "hour" | "day" | "week";
  /** 0 Sunday to 6; of a week. */
  weekday: number;
  /** In the order of a day; none: every hour. */
  hours: number[];
  minute: number;
}

const MOST_HOURS = 4;

/** `0 30 3 * * 0` as every Sunday at 3:30; null: it is not so simple. */
export function plainCron(cron: string): Plain | null {
  const [second, minute, hour, day, month, weekday, ...rest] = cron.trim().split(/\s+/);
  const free = (field: string | undefined) => field === "*" || field === "?";
  const fixed = (field: string | undefined, most: number) => (/^\d{1,2}$/.test(field ?? "") && Number(field) <= most ? Number(field) : null);
  const at = fixed(minute, 59);
  if (rest.length > 0 || second !== "0" || at === null || !free(day) || !free(month)) return null;
  if (free(hour)) return free(weekday) ? { every: "hour", weekday: 0, hours: [], minute: at } : null;
  const named = [...new Set((hour ?? "").split(",").map((one) => fixed(one, 23)))];
  const hours = named.filter((one) => one !== null).sort((one, other) => one - other);
  if (hours.length < named.length || hours.length > MOST_HOURS) return null;
  if (free(weekday)) return { every: "day", weekday: 0, hours, minute: at };
  const of = fixed(weekday, 6);
  return of === null ? null : { every: "week", weekday: of, hours, minute: at };
}

/** The name of a day of the week: 0 is Sunday. */
export function weekdayName(day: number, language: string): string {
  return new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2026, 1, 1 + day))); // 1 February 2026 was a Sunday
}

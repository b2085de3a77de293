// How long the audit log is kept, as the form and as the API have it.
import type { ExecHistory } from "../api/schema.ts";

/** Kinds of events that a purge tells apart; `other` is everything but the first three. */
export const EVENTS = ["create_artifact", "delete_artifact", "pull_artifact", "other"] as const;
export type Event = (typeof EVENTS)[number];

export interface Kept {
  days: string;
  events: Event[];
  dry: boolean;
}

const HOURS = 24;

export function keptOf(run: ExecHistory | undefined): Kept {
  let found: { audit_retention_hour?: number; include_event_types?: string; dry_run?: boolean } = {};
  try {
    found = JSON.parse(run?.job_parameters || "{}") as typeof found;
  } catch { /* none */ }
  const named = (found.include_event_types ?? "").split(",");
  const events = EVENTS.filter((one) => named.includes(one));
  return { days: String(Math.round((found.audit_retention_hour ?? 180 * HOURS) / HOURS)), events: events.length ? events : [...EVENTS], dry: found.dry_run ?? false };
}

export const parametersOf = (one: Kept) => ({ audit_retention_hour: Number(one.days) * HOURS, include_event_types: one.events.join(","), dry_run: one.dry });

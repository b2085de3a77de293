// What kinds of background work are called.
import type { WorkRun } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";

export const KINDS: Record<string, Key> = {
  GARBAGE_COLLECTION: "jobs.kind.gc", REPLICATION: "jobs.kind.replication", RETENTION: "jobs.kind.retention", PURGE_AUDIT_LOG: "jobs.kind.purge", WEBHOOK: "jobs.kind.webhook",
  SLACK: "jobs.kind.slack", EXECUTION_SWEEP: "jobs.kind.sweep", SCHEDULER: "jobs.kind.scheduler", IMAGE_SCAN: "jobs.kind.scan", SYSTEM_ARTIFACT_CLEANUP: "jobs.kind.cleanup",
  P2P_PREHEAT: "jobs.kind.preheat", SCAN_DATA_EXPORT: "jobs.kind.export", REPLICATION_CLEANUP: "jobs.kind.uploads",
};

/** Kinds of work that projects have, which their members may see. */
export const PROJECT_KINDS: readonly string[] = ["RETENTION", "WEBHOOK", "SLACK"];

/** The word of a kind; of one that has none, its name in the API. */
export function useKind(): (vendor: string) => string {
  const t = useTranslate();
  return (vendor) => (KINDS[vendor] ? t(KINDS[vendor]) : vendor);
}

/** What a run or a schedule is of, as the API names it. */
type Of = Pick<WorkRun, "vendor_type" | "vendor_id" | "project"> & { id?: number };

/** Where it is looked at; null: nowhere but in the list. `run`: the page of the run itself, where it has one. */
export function placeOf(one: Of, { run = false } = {}): string | null {
  switch (one.vendor_type) {
    case "GARBAGE_COLLECTION": return "/admin/gc";
    case "PURGE_AUDIT_LOG": return "/admin/audit/purge";
    case "REPLICATION": return one.vendor_id > 0 ? `/admin/replications/${one.vendor_id}${run && one.id !== undefined ? `/runs/${one.id}` : ""}` : null;
    case "RETENTION": return one.project ? places.retention(one.project) + (run && one.id !== undefined ? `?run=${one.id}` : "") : null;
    case "WEBHOOK":
    case "SLACK": return one.project && one.vendor_id > 0 ? places.webhook(one.project, one.vendor_id) : null;
    default: return null;
  }
}

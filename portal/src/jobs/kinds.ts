// What kinds of background work are called.
import { useWords, type Key } from "../app/words.ts";

export const KINDS: Record<string, Key> = {
  GARBAGE_COLLECTION: "jobs.kind.gc", REPLICATION: "jobs.kind.replication", RETENTION: "jobs.kind.retention", PURGE_AUDIT_LOG: "jobs.kind.purge", WEBHOOK: "jobs.kind.webhook",
  SLACK: "jobs.kind.slack", EXECUTION_SWEEP: "jobs.kind.sweep", SCHEDULER: "jobs.kind.scheduler", IMAGE_SCAN: "jobs.kind.scan", SYSTEM_ARTIFACT_CLEANUP: "jobs.kind.cleanup",
  P2P_PREHEAT: "jobs.kind.preheat", SCAN_DATA_EXPORT: "jobs.kind.export", REPLICATION_CLEANUP: "jobs.kind.uploads",
};

/** The word of a kind; of one that has none, its name in the API. */
export function useKind(): (vendor: string) => string {
  const t = useWords();
  return (vendor) => (KINDS[vendor] ? t(KINDS[vendor]) : vendor);
}

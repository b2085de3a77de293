// How much runs and how much waits, by queue.
import type { JobQueue, TaskOut, WorkRun } from "../api/schema.ts";

export interface Load {
  queue: string;
  running: number;
  waiting: number;
  /** Seconds that the oldest has waited. */
  oldest: number;
  paused: boolean;
}

/** Queues in which something runs or waits, the fullest first. */
export function loadOf(queues: readonly JobQueue[], running: readonly TaskOut[]): Load[] {
  const runs = new Map<string, number>();
  for (const one of running) runs.set(one.vendor_type, (runs.get(one.vendor_type) ?? 0) + 1);
  const known = new Map(queues.map((one) => [one.job_type, one]));
  const all = [...new Set([...known.keys(), ...runs.keys()])].map((queue) => {
    const found = known.get(queue);
    return { queue, running: runs.get(queue) ?? 0, waiting: found?.count ?? 0, oldest: found?.latency ?? 0, paused: found?.paused ?? false };
  });
  return all.filter((one) => one.running + one.waiting > 0).sort((a, b) => b.running + b.waiting - (a.running + a.waiting) || (a.queue < b.queue ? -1 : 1));
}

/** The state of a run: it goes on for the API as soon as it is asked for, and for people once somebody works at it. */
export const stateOfRun = (run: Pick<WorkRun, "status" | "running" | "progress">): string => (run.status === "Running" && run.running === 0 && run.progress.done === 0 ? "Pending" : run.status);

// How many artifacts of a run are in each state.
import type { ReplicationExecution } from "../api/schema.ts";

export interface States {
  all: number;
  failed: number;
  running: number;
  waiting: number;
  done: number;
  stopped: number;
}

/** `running`: tasks that a process has in hand now; the others of those that go on wait. */
export function countsOf(run: ReplicationExecution, running: number): States {
  const going = Math.min(running, run.in_progress);
  return { all: run.total, failed: run.failed, running: going, waiting: run.in_progress - going, done: run.succeed, stopped: run.stopped };
}

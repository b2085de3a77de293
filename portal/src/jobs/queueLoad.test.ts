import { expect, test } from "vitest";
import type { TaskOut } from "../api/schema.ts";
import { loadOf, stateOfRun } from "./queueLoad.ts";

const queue = (job_type: string, count: number, latency = 0, paused = false) => ({ job_type, count, latency, paused });
const task = (vendor_type: string) => ({ vendor_type }) as TaskOut;

test("queues with something in them, the fullest first, with what runs of a kind that no queue names", () => {
  const found = loadOf([queue("WEBHOOK", 0), queue("RETENTION", 2, 30, true), queue("REPLICATION", 3, 60)], [task("REPLICATION"), task("REPLICATION"), task("OWN")]);
  expect(found).toEqual([
    { queue: "REPLICATION", running: 2, waiting: 3, oldest: 60, paused: false },
    { queue: "RETENTION", running: 0, waiting: 2, oldest: 30, paused: true },
    { queue: "OWN", running: 1, waiting: 0, oldest: 0, paused: false },
  ]);
});

test("nothing runs and nothing waits: nothing is shown", () => {
  expect(loadOf([queue("WEBHOOK", 0, 0, true)], [])).toEqual([]);
});

test("a run that nobody works at yet waits", () => {
  const progress = { done: 0, total: 0, done_bytes: 0, total_bytes: 0, rate: 0, seconds_left: -1 };
  expect(stateOfRun({ status: "Running", running: 0, progress })).toBe("Pending");
  expect(stateOfRun({ status: "Running", running: 1, progress })).toBe("Running");
  expect(stateOfRun({ status: "Running", running: 0, progress: { ...progress, done: 3 } })).toBe("Running");
  expect(stateOfRun({ status: "Success", running: 0, progress })).toBe("Success");
});

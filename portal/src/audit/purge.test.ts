import { expect, test } from "vitest";
import { EVENTS, keptOf, parametersOf } from "./purge.ts";
import { split } from "./queries.ts";

test("what is kept comes back as it was sent, in days", () => {
  const sent = { days: "30", events: ["pull_artifact" as const, "other" as const], dry: true };
  expect(keptOf({ job_parameters: JSON.stringify(parametersOf(sent)) })).toEqual(sent);
});

test("without a schedule all kinds are chosen, and half a year", () => expect(keptOf({ job_parameters: "" })).toEqual({ days: "180", events: [...EVENTS], dry: false }));

test("an event is two columns of the log", () => expect(split("create_user_group")).toEqual({ operation: "create", resource_type: "user_group" }));

// What the doctor found, in the reader's words.
import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { show } from "../../tests/render.tsx";
import type { Finding } from "../api/schema.ts";
import { Fact } from "./Finding.tsx";

const FOUND: Finding = { code: "DISK_NEARLY_FULL", kind: "DISK_NEARLY_FULL", state: "warning", area: "storage", where: "/srv/moorage", text: "the disk of /srv/moorage has 310 MiB free", mend: "free some space", facts: { free_bytes: 325_058_560 } };

test("a finding is said with its values as the language writes them, and the server's words below", async () => {
  await show(() => <Fact of={FOUND} />, { language: "zh-CN" });
  expect(screen.getByText("/srv/moorage 所在磁盘仅剩 310 MiB。")).toBeTruthy();
  expect(screen.getByText("请释放空间，或换用更大的磁盘。")).toBeTruthy();
  expect(screen.getByText(/has 310 MiB free/).closest("[lang]")?.getAttribute("lang")).toBe("en");
});

test("lists, times and kinds of work are written as the language writes them", async () => {
  const source = { ...FOUND, code: "SOURCE_INCOMPLETE", kind: "SOURCE_INCOMPLETE", facts: { source: "ldap", missing: ["ldap_url", "ldap_base_dn"] } };
  const tasks = { ...FOUND, code: "TASKS_WAIT", kind: "TASKS_WAIT", where: "RETENTION", facts: { count: 1, since_at: "2026-03-01T12:00:00Z" } };
  await show(() => <><Fact of={source} /><Fact of={tasks} /></>);
  expect(screen.getByText(/have no value: ldap_url, ldap_base_dn\./)).toBeTruthy();
  expect(screen.getByText(/^1 task of the kind Retention has waited since Mar 1, 2026/)).toBeTruthy();
});

test("one that this page has no words for is told in the server's, and said to be so", async () => {
  await show(() => <Fact of={{ ...FOUND, code: "MOON_FULL", kind: "MOON_FULL", text: "the moon is full", mend: "wait" }} />, { language: "zh-CN" });
  expect(screen.getByText("服务器给出的说明")).toBeTruthy();
  expect(screen.getByText("the moon is full").getAttribute("lang")).toBe("en");
});

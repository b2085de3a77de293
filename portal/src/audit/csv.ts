// The audit log as a file for other programs.
import { call } from "../api/client.ts";
import type { AuditEntryOut } from "../api/schema.ts";

/** At most so many entries are taken away at once. */
export const MOST = 10_000;

const cell = (text: string) => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text; // a spreadsheet would run it
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
};

export const csvOf = (rows: readonly (readonly string[])[]): string => rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

const HEADS = ["id", "op_time", "username", "credential", "address", "operation", "resource_type", "resource", "operation_result", "repeats", "request_id", "detail"];
const rowOf = (one: AuditEntryOut) => [String(one.id), one.op_time, one.username, one.credential, one.address, one.operation, one.resource_type, one.resource, String(one.operation_result), String(one.repeats), one.request_id, JSON.stringify(one.detail)];

/** Save what `q` finds, the newest first; how many entries that were. */
export async function exportAudit(q: string | undefined): Promise<number> {
  const found: AuditEntryOut[] = [];
  let after = "";
  while (found.length < MOST) {
    const { data } = await call("GET /audit", { query: { ...(q ? { q } : {}), page_size: 100, ...(after ? { older_than: after } : {}) } });
    found.push(...data.entries);
    after = data.older_than;
    if (data.entries.length < 100) break;
  }
  const url = URL.createObjectURL(new Blob(["\ufeff", csvOf([HEADS, ...found.map(rowOf)])], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `audit-${new Date().toISOString().slice(0, 10)}.csv`;
  link.click();
  URL.revokeObjectURL(url);
  return found.length;
}

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/admin/audit", admin: true, load: () => import("./AuditPage.tsx"), rail: { order: 190, label: "audit.title", for: "admin" } },
  { path: "/admin/audit/purge", admin: true, load: () => import("./PurgePage.tsx") },
  { path: "logs", frame: "project", load: () => import("./LogsPage.tsx"), tab: { order: 80, label: "logs.title", needs: "log:list" } },
];

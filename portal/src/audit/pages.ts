import { IconListSearch } from "@tabler/icons-react";
import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/admin/audit", admin: true, load: () => import("./AuditPage.tsx"), rail: { order: 190, label: "audit.title", icon: IconListSearch, for: "admin" } },
  { path: "/admin/audit/purge", admin: true, load: () => import("./PurgePage.tsx") },
];

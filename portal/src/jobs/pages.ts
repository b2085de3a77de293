import { IconActivity, IconStack2 } from "@tabler/icons-react";
import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/activity", admin: true, load: () => import("./ActivityPage.tsx"), rail: { order: 105, label: "jobs.activity.title", icon: IconActivity, for: "admin" } },
  { path: "/admin/jobs", admin: true, load: () => import("./JobsPage.tsx"), rail: { order: 170, label: "jobs.title", icon: IconStack2, for: "admin" } },
];

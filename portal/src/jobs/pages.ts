import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/activity", people: true, load: () => import("./ActivityPage.tsx"), rail: { order: 20, label: "jobs.activity.title", for: "people" } },
  { path: "/admin/jobs", admin: true, load: () => import("./JobsPage.tsx"), rail: { order: 170, label: "jobs.title", for: "admin" } },
  { path: "/admin/schedules", admin: true, load: () => import("./SchedulesPage.tsx"), rail: { order: 180, label: "schedules.title", for: "admin" } },
];

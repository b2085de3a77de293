import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/admin/replications", admin: true, load: () => import("./ReplicationsPage.tsx"), rail: { order: 140, label: "replications.title", for: "admin", capability: "replication" } },
  { path: "/admin/replications/$policy", admin: true, load: () => import("./PolicyPage.tsx") },
  { path: "/admin/replications/$policy/runs/$run", admin: true, load: () => import("./RunPage.tsx") },
];

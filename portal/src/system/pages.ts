import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/admin/health", admin: true, load: () => import("./HealthPage.tsx"), rail: { order: 220, label: "health.title", for: "admin" } },
  { path: "/about", load: () => import("./AboutPage.tsx"), menu: { order: 900, label: "about.title" } },
  { path: "/first-run", admin: true, load: () => import("./FirstRunPage.tsx") },
];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/projects", load: () => import("./ProjectsPage.tsx"), rail: { order: 10, label: "projects.title", for: "everyone" } },
  { path: "/", frame: "project", load: () => import("./SummaryPage.tsx"), tab: { order: 10, label: "projects.summary.tab" } },
  { path: "settings", frame: "project", load: () => import("./ProjectSettingsPage.tsx"), tab: { order: 90, label: "settings.title", needs: "metadata:read" } },
];

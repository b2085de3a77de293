import { IconLayoutGrid } from "@tabler/icons-react";
import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/projects", load: () => import("./ProjectsPage.tsx"), rail: { order: 10, label: "projects.title", icon: IconLayoutGrid, for: "everyone" } },
  { path: "/", frame: "project", load: () => import("./SummaryPage.tsx"), tab: { order: 10, label: "projects.summary.tab" } },
];

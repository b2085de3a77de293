import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "labels", frame: "project", load: () => import("./LabelsPage.tsx"), tab: { order: 50, label: "labels.title", needs: "label:create" } },
  { path: "/admin/labels", admin: true, load: () => import("./SystemLabelsPage.tsx"), rail: { order: 145, label: "labels.title", for: "admin" } },
];

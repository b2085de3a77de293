import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/trash", load: () => import("./TrashPage.tsx"), rail: { order: 30, label: "trash.title", for: "people", capability: "trash" } },
  { path: "trash", frame: "project", load: () => import("./ProjectTrashPage.tsx"), tab: { order: 95, label: "trash.title", needs: "artifact:delete", capability: "trash" } },
];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "repositories", frame: "project", load: () => import("./RepositoriesPage.tsx"), tab: { order: 20, label: "artifacts.repositories.title", needs: "repository:list" } },
  { path: "info", frame: "repository", load: () => import("./InfoPage.tsx"), tab: { order: 40, label: "artifacts.info.tab", needs: "repository:read" } },
];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "repositories", frame: "project", load: () => import("./RepositoriesPage.tsx"), tab: { order: 20, label: "artifacts.repositories.title", needs: "repository:list" } },
  { path: "/", frame: "repository", load: () => import("./TagsPage.tsx"), tab: { order: 10, label: "artifacts.tags.title" } },
  { path: "artifacts", frame: "repository", load: () => import("./ArtifactsPage.tsx"), tab: { order: 20, label: "artifacts.list.title", needs: "artifact:list" } },
  { path: "info", frame: "repository", load: () => import("./InfoPage.tsx"), tab: { order: 40, label: "artifacts.info.tab", needs: "repository:read" } },
  { path: "/projects/$project/repositories/$repository/tags/$reference", load: () => import("./ArtifactPage.tsx") },
  { path: "/projects/$project/repositories/$repository/artifacts/$reference", load: () => import("./ArtifactPage.tsx") },
];

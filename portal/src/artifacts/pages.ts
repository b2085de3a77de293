import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/", frame: "repository", load: () => import("./TagsPage.tsx"), tab: { order: 10, label: "artifacts.tags.title" } },
  { path: "artifacts", frame: "repository", load: () => import("./ArtifactsPage.tsx"), tab: { order: 20, label: "artifacts.list.title", needs: "artifact:list" } },
  { path: "/projects/$project/repositories/$repository/tags/$reference", load: () => import("./ArtifactPage.tsx") },
  { path: "/projects/$project/repositories/$repository/artifacts/$reference", load: () => import("./ArtifactPage.tsx") },
  { path: "history", frame: "repository", load: () => import("./HistoryPage.tsx"), tab: { order: 30, label: "history.title", needs: "tag:list", capability: "tag_history" } },
];

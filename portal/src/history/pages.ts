import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "history", frame: "repository", load: () => import("./HistoryPage.tsx"), tab: { order: 30, label: "history.title", needs: "tag:list", capability: "tag_history" } }];

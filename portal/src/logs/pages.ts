import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "logs", frame: "project", load: () => import("./LogsPage.tsx"), tab: { order: 80, label: "logs.title", needs: "log:list" } }];

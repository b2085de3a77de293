import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "robots", frame: "project", load: () => import("./RobotsPage.tsx"), tab: { order: 40, label: "robots.title", needs: "robot:list" } }];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "robots", frame: "project", load: () => import("./RobotsPage.tsx"), tab: { order: 40, label: "robots.title", needs: "robot:list" } },
  { path: "/admin/robots", admin: true, load: () => import("./SystemRobotsPage.tsx"), rail: { order: 125, label: "robots.title", for: "admin" } },
];

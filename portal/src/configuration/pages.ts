import type { PageOf } from "../app/pages.ts";

const load = () => import("./SettingsPage.tsx");

export const pages: PageOf[] = [
  { path: "/admin/settings", admin: true, load, rail: { order: 210, label: "configuration.title", for: "admin" } },
  { path: "/admin/settings/$section", admin: true, load },
];

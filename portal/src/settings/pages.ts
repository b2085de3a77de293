import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "settings", frame: "project", load: () => import("./ProjectSettingsPage.tsx"), tab: { order: 90, label: "settings.title", needs: "metadata:read" } }];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "policy/retention", frame: "project", load: () => import("./RetentionPage.tsx"), tab: { order: 60, label: "retention.title", needs: "tag-retention:read" } }];

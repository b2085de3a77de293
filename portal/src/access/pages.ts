import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "access", frame: "project", load: () => import("./ExplainPage.tsx"), part: { needs: "member:update", label: "explain.title" } }];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/admin/gc", admin: true, load: () => import("./GcPage.tsx"), rail: { order: 160, label: "gc.title", for: "admin" } }];

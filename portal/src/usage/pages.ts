import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/admin/usage", admin: true, load: () => import("./UsagePage.tsx"), rail: { order: 155, label: "usage.title", for: "admin" } }];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/admin/quotas", admin: true, load: () => import("./QuotasPage.tsx"), rail: { order: 150, label: "quotas.title", for: "admin" } }];

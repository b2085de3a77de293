import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/admin/registries", admin: true, load: () => import("./RegistriesPage.tsx"), rail: { order: 130, label: "registries.title", for: "admin" } }];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/about", load: () => import("./AboutPage.tsx"), menu: { order: 900, label: "about.title" } }];

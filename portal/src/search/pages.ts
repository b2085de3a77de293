import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/search", load: () => import("./SearchPage.tsx") }];

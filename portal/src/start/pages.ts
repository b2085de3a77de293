import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/first-run", admin: true, load: () => import("./FirstRunPage.tsx") }];

import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "compare", frame: "repository", load: () => import("./ComparePage.tsx") },
];

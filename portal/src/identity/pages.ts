import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/sign-in", frame: "bare", load: () => import("./SignInPage.tsx") }];

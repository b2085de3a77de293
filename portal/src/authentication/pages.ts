import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/sign-in", frame: "bare", load: () => import("./SignInPage.tsx") },
  { path: "/account/sign-in", frame: "bare", load: () => import("./SignInPage.tsx") }, // of Harbor's bookmarks
  { path: "/sign-up", frame: "bare", load: () => import("./SignUpPage.tsx") },
  { path: "/onboard", frame: "bare", load: () => import("./OnboardPage.tsx") },
  { path: "/signed-in", frame: "bare", load: () => import("./ReturnedPage.tsx") },
];

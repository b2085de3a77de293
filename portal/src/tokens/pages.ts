import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/me/tokens", people: true, load: () => import("./TokensPage.tsx"), menu: { order: 20, label: "account.tokens.title" } },
];

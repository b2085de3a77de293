import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/me/profile", people: true, load: () => import("./ProfilePage.tsx"), menu: { order: 10, label: "account.profile.title" } },
  { path: "/me/tokens", people: true, load: () => import("./TokensPage.tsx"), menu: { order: 20, label: "account.tokens.title" } },
  { path: "/me/preferences", load: () => import("./PreferencesPage.tsx"), menu: { order: 30, label: "account.preferences.title" } },
];

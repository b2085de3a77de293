import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "/admin/users", admin: true, load: () => import("./UsersPage.tsx"), rail: { order: 110, label: "users.title", for: "admin" } },
  { path: "/admin/groups", admin: true, load: () => import("./GroupsPage.tsx"), rail: { order: 120, label: "groups.title", for: "admin" } },
  { path: "/me/profile", people: true, load: () => import("./ProfilePage.tsx"), menu: { order: 10, label: "account.profile.title" } },
  { path: "/me/preferences", load: () => import("./PreferencesPage.tsx"), menu: { order: 30, label: "account.preferences.title" } },
];

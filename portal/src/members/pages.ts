import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "members", frame: "project", load: () => import("./MembersPage.tsx"), tab: { order: 30, label: "members.title", needs: "member:list" } }];

import { IconUsersGroup } from "@tabler/icons-react";
import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/admin/groups", admin: true, load: () => import("./GroupsPage.tsx"), rail: { order: 120, label: "groups.title", icon: IconUsersGroup, for: "admin" } }];

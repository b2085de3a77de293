import { IconUsers } from "@tabler/icons-react";
import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/admin/users", admin: true, load: () => import("./UsersPage.tsx"), rail: { order: 110, label: "users.title", icon: IconUsers, for: "admin" } }];

import { IconUsers, IconUsersGroup } from "@tabler/icons-react";

export const icons = { "/admin/users": IconUsers, "/admin/groups": IconUsersGroup };

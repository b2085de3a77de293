import { IconRecycle } from "@tabler/icons-react";

export const icons = { "/admin/gc": IconRecycle };

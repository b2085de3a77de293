import { IconListSearch } from "@tabler/icons-react";

export const icons = { "/admin/audit": IconListSearch };

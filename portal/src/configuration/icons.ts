import { IconSettings } from "@tabler/icons-react";

export const icons = { "/admin/settings": IconSettings };

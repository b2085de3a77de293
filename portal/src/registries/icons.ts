import { IconPlugConnected } from "@tabler/icons-react";

export const icons = { "/admin/registries": IconPlugConnected };

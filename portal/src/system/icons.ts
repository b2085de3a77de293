import { IconHeartbeat } from "@tabler/icons-react";

export const icons = { "/admin/health": IconHeartbeat };

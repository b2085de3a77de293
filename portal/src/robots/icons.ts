import { IconRobot } from "@tabler/icons-react";

export const icons = { "/admin/robots": IconRobot };

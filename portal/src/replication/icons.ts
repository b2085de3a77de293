import { IconArrowsLeftRight } from "@tabler/icons-react";

export const icons = { "/admin/replications": IconArrowsLeftRight };

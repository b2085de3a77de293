import { IconChartAreaLine } from "@tabler/icons-react";

export const icons = { "/admin/usage": IconChartAreaLine };

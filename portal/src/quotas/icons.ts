import { IconGauge } from "@tabler/icons-react";

export const icons = { "/admin/quotas": IconGauge };

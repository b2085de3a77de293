import { IconActivity, IconCalendarTime, IconStack2 } from "@tabler/icons-react";

export const icons = { "/activity": IconActivity, "/admin/jobs": IconStack2, "/admin/schedules": IconCalendarTime };

import { IconCalendarTime } from "@tabler/icons-react";
import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/admin/schedules", admin: true, load: () => import("./SchedulesPage.tsx"), rail: { order: 180, label: "schedules.title", icon: IconCalendarTime, for: "admin" } }];

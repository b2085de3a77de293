import { IconHeartbeat } from "@tabler/icons-react";
import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "/admin/health", admin: true, load: () => import("./HealthPage.tsx"), rail: { order: 220, label: "health.title", icon: IconHeartbeat, for: "admin" } }];

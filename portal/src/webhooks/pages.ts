import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [
  { path: "webhooks", frame: "project", load: () => import("./WebhooksPage.tsx"), tab: { order: 70, label: "webhooks.title", needs: "notification-policy:list" } },
  { path: "webhooks/$policy", frame: "project", load: () => import("./DeliveriesPage.tsx"), part: { needs: "notification-policy:list", label: "webhooks.title" } },
];

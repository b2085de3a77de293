import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "policy/immutability", frame: "project", load: () => import("./ImmutabilityPage.tsx"), tab: { order: 65, label: "immutability.title", needs: "immutable-tag:list" } }];

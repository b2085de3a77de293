import type { PageOf } from "../app/pages.ts";

export const pages: PageOf[] = [{ path: "trash", frame: "project", load: () => import("./ProjectTrashPage.tsx"), tab: { order: 95, label: "trash.title", needs: "artifact:delete", capability: "trash" } }];

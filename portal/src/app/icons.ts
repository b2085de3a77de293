// The icons of the rail, by the path of their page: each subject's `icons.ts`. Apart from `pages.ts`, because the page for signing in has no rail.
import type { Icon } from "@tabler/icons-react";

const modules = import.meta.glob<Record<string, Icon>>("../*/icons.ts", { eager: true, import: "icons" });

export const icons: Readonly<Record<string, Icon>> = Object.assign({}, ...Object.values(modules)) as Record<string, Icon>;

// What a subject says of its pages, in its own `pages.ts`. The router, the rail, the tabs and the menu are made from these.
import type { ComponentType } from "react";
import { sectionOf, type Section } from "../i18n/sections.ts";
import type { Key } from "../i18n/translator.ts";

export interface PageOf {
  /** Below its frame: `members` in a project, `/trash` at the top. `$name` is a parameter. */
  path: string;
  /** Which head stands above it: the project's with its tabs, the repository's with its tabs, or none. */
  frame?: "project" | "repository" | "bare";
  /** The module, loaded when the page is first wanted; the page is its default export. */
  load: () => Promise<{ default: ComponentType }>;
  /** An entry of the rail; its icon is in the `icons.ts` of the subject. `admin`: below the line, for system administrators. */
  rail?: { order: number; label: Key; for: "everyone" | "people" | "admin"; capability?: string };
  /** A tab of its frame. `needs`: a permission in the project, as `member:list`. */
  tab?: { order: number; label: Key; needs?: string; capability?: string };
  /** Of a page that is no tab, what a tab says of itself: the permission that it needs, and how it is called. */
  part?: { needs: string; label: Key };
  /** An entry of the user's menu. */
  menu?: { order: number; label: Key };
  /** Only for system administrators: others see why not, at the same address. */
  admin?: boolean;
  /** Only for whoever is signed in: others sign in first, and come back. */
  people?: boolean;
}

const modules = import.meta.glob<{ pages: PageOf[] }>("../*/pages.ts", { eager: true });

/** All pages of all subjects, each with the section of its texts. */
export const pages: readonly (PageOf & { section: Section })[] = Object.entries(modules).flatMap(([file, one]) => {
  const section = sectionOf(file.split("/")[1] as string);
  return one.pages.map((page) => ({ ...page, section }));
});

/** Pages that have an entry of a kind, in its order. */
export function entries<K extends "rail" | "tab" | "menu">(kind: K, frame?: PageOf["frame"]): (PageOf & Required<Pick<PageOf, K>>)[] {
  return (pages as readonly PageOf[])
    .filter((one): one is PageOf & Required<Pick<PageOf, K>> => one[kind] !== undefined && (frame === undefined || one.frame === frame))
    .sort((a, b) => (a[kind] as { order: number }).order - (b[kind] as { order: number }).order);
}

// The routes, made from the pages of all subjects.
import { Outlet, createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { createElement } from "react";
import { pages, type PageOf } from "./pages.ts";
import { parseSearch, stringifySearch } from "./search.ts";
import { Crashed, Missing } from "./states.tsx";
import { queries, sessionQuery } from "./session.tsx";
import { withTexts } from "../i18n/loading.ts";
import type { Part } from "../i18n/sections.ts";
import type { Key } from "../i18n/translator.ts";

const root = createRootRoute({ component: Outlet, notFoundComponent: Missing });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: lazyRouteComponent(() => withTexts(import("./Shell.tsx"), "frame"), "Shell") });
const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: async () => {
    const user = await queries.ensureQueryData(sessionQuery).catch(() => null);
    throw redirect(user === null ? { to: "/sign-in" } : { to: await (await import("./startPage.ts")).home(), replace: true });
  },
});
const project = createRoute({
  getParentRoute: () => shell,
  path: "/projects/$project",
  component: lazyRouteComponent(() => withTexts(import("../projects/ProjectFrame.tsx"), "project")),
});
const repository = createRoute({
  getParentRoute: () => shell,
  path: "/projects/$project/repositories/$repository",
  component: lazyRouteComponent(() => withTexts(import("../repositories/RepositoryFrame.tsx"), "repository")),
});
const frames = { project, repository, bare: root };

/** Pages that need no texts but those that are loaded first (scripts/texts.ts). */
const FIRST_PAGES: Record<string, Part> = { "/projects": "frame", "/sign-in": "entry", "/account/sign-in": "entry" };

function shownOf(page: (typeof pages)[number]) {
  const load = lazyRouteComponent(() => withTexts(page.load(), FIRST_PAGES[page.path] ?? page.section));
  const { needs, label }: { needs?: string; label?: Key } = page.tab ?? page.part ?? {};
  const isGuarded = page.admin || page.people || (needs !== undefined && label !== undefined);
  if (!isGuarded) return load;
  const shown = lazyRouteComponent(async () => {
    const { AdminOnly, PeopleOnly, RoleOnly } = await import("./guards.tsx");
    return { default: () => (page.admin ? <AdminOnly page={load} /> : page.people ? <PeopleOnly page={load} /> : <RoleOnly page={load} needs={needs as string} label={label as Key} />) };
  });
  const parts = [shown, load] as { preload?: () => Promise<unknown> }[];
  return Object.assign(() => createElement(shown), { preload: async () => void (await Promise.all(parts.map((one) => one.preload?.()))) }) as unknown as typeof load; // before it is pressed, when it is pointed at
}

function routeOf(page: (typeof pages)[number]) {
  return createRoute({
    getParentRoute: () => (page.frame === undefined ? shell : frames[page.frame]) as typeof shell,
    path: page.path,
    component: shownOf(page),
  });
}

const below = (frame: PageOf["frame"]) => pages.filter((one) => one.frame === frame).map(routeOf);
const harbor = createRoute({ getParentRoute: () => shell, path: "/harbor/$", component: lazyRouteComponent(() => withTexts(import("./HarborPage.tsx"))) });
const splat = createRoute({ getParentRoute: () => shell, path: "$", component: Missing });
const tree = root.addChildren([
  home,
  shell.addChildren([...below(undefined), project.addChildren(below("project")), repository.addChildren(below("repository")), harbor, splat]),
  ...below("bare"),
]);

export const router = createRouter({
  routeTree: tree,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPreloadDelay: 50,
  scrollRestoration: true,
  defaultNotFoundComponent: Missing,
  defaultErrorComponent: Crashed,
});

// The routes, made from the pages of all subjects.
import { Outlet, createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { home as begin } from "./home.ts";
import { pages, type PageOf } from "./pages.ts";
import { parseSearch, stringifySearch } from "./search.ts";
import { AdminOnly, Crashed, Missing, PeopleOnly, RoleOnly } from "./states.tsx";
import { queries, sessionQuery } from "./session.tsx";
import { withWords, type Key } from "./words.ts";

const root = createRootRoute({ component: Outlet, notFoundComponent: Missing });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: lazyRouteComponent(() => import("./Shell.tsx"), "Shell") });
const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: async () => {
    const user = await queries.ensureQueryData(sessionQuery).catch(() => null);
    throw redirect(user === null ? { to: "/sign-in" } : { to: await begin(), replace: true });
  },
});
const project = createRoute({
  getParentRoute: () => shell,
  path: "/projects/$project",
  component: lazyRouteComponent(() => withWords(import("../projects/ProjectFrame.tsx"))),
});
const repository = createRoute({
  getParentRoute: () => shell,
  path: "/projects/$project/repositories/$repository",
  component: lazyRouteComponent(() => withWords(import("../artifacts/RepositoryFrame.tsx"))),
});
const frames = { project, repository, bare: root };

/** Pages whose words are among those that are loaded first (scripts/words.ts). */
const SHOWN_FIRST = new Set(["/projects", "/sign-in"]);

function shownOf(page: PageOf) {
  const load = lazyRouteComponent(SHOWN_FIRST.has(page.path) ? page.load : () => withWords(page.load()));
  const { needs, label }: { needs?: string; label?: Key } = page.tab ?? page.part ?? {};
  const shown = page.admin ? () => <AdminOnly page={load} />
    : page.people ? () => <PeopleOnly page={load} />
    : needs !== undefined && label !== undefined ? () => <RoleOnly page={load} needs={needs} label={label} /> : null;
  return shown === null ? load : Object.assign(shown, { preload: (load as { preload?: () => Promise<void> }).preload }); // before it is pressed, when it is pointed at
}

function routeOf(page: PageOf) {
  return createRoute({
    getParentRoute: () => (page.frame === undefined ? shell : frames[page.frame]) as typeof shell,
    path: page.path,
    component: shownOf(page),
  });
}

const below = (frame: PageOf["frame"]) => pages.filter((one) => one.frame === frame).map(routeOf);
const harbor = createRoute({ getParentRoute: () => shell, path: "/harbor/$", component: lazyRouteComponent(() => withWords(import("./HarborPage.tsx"))) });
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

// The routes, made from the pages of all subjects.
import { Outlet, createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { home as begin } from "./home.ts";
import { pages, type PageOf } from "./pages.ts";
import { parseSearch, stringifySearch } from "./search.ts";
import { AdminOnly, Crashed, Missing, PeopleOnly } from "./states.tsx";
import { Shell } from "./Shell.tsx";
import { queries, sessionQuery } from "./session.tsx";

const root = createRootRoute({ component: Outlet, notFoundComponent: Missing });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });
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
  component: lazyRouteComponent(() => import("../projects/ProjectFrame.tsx")),
});
const repository = createRoute({
  getParentRoute: () => shell,
  path: "/projects/$project/repositories/$repository",
  component: lazyRouteComponent(() => import("../artifacts/RepositoryFrame.tsx")),
});
const frames = { project, repository, bare: root };

function routeOf(page: PageOf) {
  const load = lazyRouteComponent(page.load);
  return createRoute({
    getParentRoute: () => (page.frame === undefined ? shell : frames[page.frame]) as typeof shell,
    path: page.path,
    component: page.admin ? () => <AdminOnly page={load} /> : page.people ? () => <PeopleOnly page={load} /> : load,
  });
}

const below = (frame: PageOf["frame"]) => pages.filter((one) => one.frame === frame).map(routeOf);
const harbor = createRoute({ getParentRoute: () => shell, path: "/harbor/$", component: lazyRouteComponent(() => import("./HarborPage.tsx")) });
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

// Who may see a page: others read why not, or sign in first.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useRouter } from "@tanstack/react-router";
import { useEffect, type ComponentType, type ReactNode } from "react";
import { asProblem, type Problem } from "../api/problem.ts";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Empty } from "../kit/Empty.tsx";
import { Page, useIsInPage } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { places } from "./paths.ts";
import { isAdmin, permissionsQuery, useUser } from "./session.tsx";
import { ToProjects } from "./states.tsx";

/** To the page for signing in, once, and back to this address after it: the address changes while one goes there. */
function ToSignIn() {
  const router = useRouter();
  const navigate = useNavigate();
  useEffect(() => {
    void navigate({ to: "/sign-in", search: { next: router.state.location.href } as never, replace: true });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return null;
}

/** A state as a page; below a head that stands already, as a part of its page. */
function State({ title, children }: { title: string; children: ReactNode }) {
  if (useIsInPage()) return <section><h2>{title}</h2>{children}</section>;
  return <Page title={title}>{children}</Page>;
}

/** What the server said, in its own words, below ours. */
function Reason({ of }: { of: Problem }) {
  const t = useTranslate();
  return of.message ? <details className="small"><summary>{t("problems.details")}</summary><bdi lang="en">{of.message}</bdi></details> : null;
}

/** A page that could not be had: nobody signed in is asked to, others read why. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useTranslate();
  const user = useUser();
  const problem = asProblem(error);
  if (problem.status === 401 && user === null) return <ToSignIn />;
  if (problem.status === 404) return <State title={t("shell.missing.title")}><Empty action={<><ToProjects /><Reason of={problem} /></>}>{t("shell.missing.why")}</Empty></State>;
  if (problem.status === 403) return <State title={t("shell.denied.title")}><Empty action={<><ToProjects /><Reason of={problem} /></>}>{t("shell.denied.project")}</Empty></State>;
  return <State title={t("shell.failed.title")}><ProblemBox error={error} {...(onRetry ? { onRetry } : {})} /></State>;
}

/** What only administrators see; others read so, at the same address. */
export function AdminOnly({ page: Shown }: { page: ComponentType }) {
  const t = useTranslate();
  const user = useUser();
  if (user === undefined) return null;
  if (user === null) return <ToSignIn />;
  if (!isAdmin(user)) return <Page title={t("shell.denied.title")}><Empty action={<ToProjects />}>{t("shell.denied.admin")}</Empty></Page>;
  return <Shown />;
}

/** What a role in the project lets one see: others read which part it is and whom to ask; nobody signed in is asked to sign in. */
export function RoleOnly({ page: Shown, needs, label }: { page: ComponentType; needs: string; label: Key }) {
  const t = useTranslate();
  const user = useUser();
  const { project } = useParams({ strict: false }) as { project: string };
  const known = useQuery(permissionsQuery(`/project/${project}`)).data;
  if (known === undefined || known.has(needs)) return <Shown />;
  if (user === null) return <ToSignIn />;
  const back = <Button component={Link} {...({ to: places.project(project) } as object)} variant="default">{t("shell.denied.toProject")}</Button>;
  return <State title={t("shell.denied.title")}><Empty action={back}>{label === "members.title" ? t("shell.denied.members") : t("shell.denied.part", { page: t(label) })}</Empty></State>;
}

/** What is about the reader: whoever is not signed in is asked to, and comes back. */
export function PeopleOnly({ page: Shown }: { page: ComponentType }) {
  const user = useUser();
  if (user === undefined) return null;
  if (user === null) return <ToSignIn />;
  return <Shown />;
}

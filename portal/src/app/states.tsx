// Whole pages that are a state: not found, not allowed, crashed.
import { Button } from "@mantine/core";
import { Link, useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, type ComponentType } from "react";
import { asProblem } from "../api/problem.ts";
import { Empty } from "../kit/Empty.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { isAdmin, useUser } from "./session.tsx";
import { useWords } from "./words.ts";

const ToProjects = () => {
  const t = useWords();
  return <Button component={Link} {...({ to: "/projects" } as object)} variant="default">{t("shell.toProjects")}</Button>;
};

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

export function Missing() {
  const t = useWords();
  return <Page title={t("shell.missing.title")}><Empty action={<ToProjects />}>{t("shell.missing.why")}</Empty></Page>;
}

export function Crashed({ error }: { error: unknown }) {
  const t = useWords();
  return <Page title={t("shell.crashed.title")}><ProblemBox error={error} onRetry={() => location.reload()} /></Page>;
}

/** A page that could not be had: nobody signed in is asked to, others read why. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useWords();
  const user = useUser();
  const problem = asProblem(error);
  if (problem.status === 401 && user === null) return <ToSignIn />;
  if (problem.status === 404) return <Page title={t("shell.missing.title")}><Empty action={<ToProjects />}>{problem.message || t("shell.missing.why")}</Empty></Page>;
  if (problem.status === 403) return <Page title={t("shell.denied.title")}><Empty action={<ToProjects />}>{problem.message || t("problems.denied")}</Empty></Page>;
  return <Page title={t("shell.failed.title")}><ProblemBox error={error} {...(onRetry ? { onRetry } : {})} /></Page>;
}

/** What only administrators see; others read so, at the same address. */
export function AdminOnly({ page: Shown }: { page: ComponentType }) {
  const t = useWords();
  const user = useUser();
  if (user === undefined) return null;
  if (user === null) return <ToSignIn />;
  if (!isAdmin(user)) return <Page title={t("shell.denied.title")}><Empty action={<ToProjects />}>{t("shell.denied.admin")}</Empty></Page>;
  return <Shown />;
}

/** What is about the reader: whoever is not signed in is asked to, and comes back. */
export function PeopleOnly({ page: Shown }: { page: ComponentType }) {
  const user = useUser();
  if (user === undefined) return null;
  if (user === null) return <ToSignIn />;
  return <Shown />;
}

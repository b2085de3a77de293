// Whole pages that are a state: not found, not allowed, crashed.
import { Button } from "@mantine/core";
import { Link, Navigate, useRouterState } from "@tanstack/react-router";
import type { ComponentType } from "react";
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
  const here = useRouterState({ select: (state) => state.location.href });
  const problem = asProblem(error);
  if (problem.status === 401 && user === null) return <Navigate {...({ to: "/sign-in", search: { next: here }, replace: true } as object)} to="/sign-in" />;
  if (problem.status === 404) return <Page title={t("shell.missing.title")}><Empty action={<ToProjects />}>{problem.message || t("shell.missing.why")}</Empty></Page>;
  if (problem.status === 403) return <Page title={t("shell.denied.title")}><Empty action={<ToProjects />}>{problem.message || t("problems.denied")}</Empty></Page>;
  return <Page title={t("shell.failed.title")}><ProblemBox error={error} {...(onRetry ? { onRetry } : {})} /></Page>;
}

/** What only administrators see; others read so, at the same address. */
export function AdminOnly({ page: Shown }: { page: ComponentType }) {
  const t = useWords();
  const user = useUser();
  const here = useRouterState({ select: (state) => state.location.href });
  if (user === undefined) return null;
  if (user === null) return <Navigate {...({ to: "/sign-in", search: { next: here }, replace: true } as object)} to="/sign-in" />;
  if (!isAdmin(user)) return <Page title={t("shell.denied.title")}><Empty action={<ToProjects />}>{t("shell.denied.admin")}</Empty></Page>;
  return <Shown />;
}

/** What is about the reader: whoever is not signed in is asked to, and comes back. */
export function PeopleOnly({ page: Shown }: { page: ComponentType }) {
  const user = useUser();
  const here = useRouterState({ select: (state) => state.location.href });
  if (user === undefined) return null;
  if (user === null) return <Navigate {...({ to: "/sign-in", search: { next: here }, replace: true } as object)} to="/sign-in" />;
  return <Shown />;
}

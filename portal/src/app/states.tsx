// Whole pages that are a state of the portal itself: not found, crashed.
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";

export const ToProjects = () => {
  const t = useTranslate();
  return <Button component={Link} {...({ to: "/projects" } as object)} variant="default">{t("shell.toProjects")}</Button>;
};

export function Missing() {
  const t = useTranslate();
  return <Page title={t("shell.missing.title")}><Empty action={<ToProjects />}>{t("shell.missing.why")}</Empty></Page>;
}

export function Crashed({ error }: { error: unknown }) {
  const t = useTranslate();
  return <Page title={t("shell.crashed.title")}><ProblemBox error={error} onRetry={() => location.reload()} /></Page>;
}

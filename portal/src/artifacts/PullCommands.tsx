// The commands that pull an artifact, by tag or by digest.
import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { CommandBox } from "../kit/Command.tsx";
import { projectQuery } from "../projects/queries.ts";
import { pull, pullersOf } from "./commands.ts";
import { isPlain, useHost } from "./PushCommands.tsx";

/** `tag`: null for an artifact that has none. Types that no client pulls by themselves have no commands. */
export function PullCommands({ project, repository, tag, digest, type }: { project: string; repository: string; tag: string | null; digest: string; type: string }) {
  const t = useTranslate();
  const host = useHost();
  const isPublic = useQuery(projectQuery(project)).data?.metadata.public === "true";
  const [by, setBy] = useState<"tag" | "digest">("tag");
  const isChart = type === "CHART";
  const name = `${host}/${project}/${repository}`;
  const byTag = tag !== null && (by === "tag" || isChart);
  return (
    <CommandBox
      label={t("artifacts.pull.title")} clients={pullersOf(type)} commands={(client) => pull(client, host, name, byTag ? `:${tag}` : `@${digest}`, { isPublic, isPlain: isPlain(), isChart: isChart && client === "helm" })}
      aside={tag !== null && !isChart ? <SegmentedControl aria-label={t("artifacts.pull.by")} value={by} onChange={(value) => setBy(value as "tag" | "digest")} data={[{ value: "tag", label: t("artifacts.pull.tag") }, { value: "digest", label: t("artifacts.pull.digest") }]} /> : undefined}
    />
  );
}

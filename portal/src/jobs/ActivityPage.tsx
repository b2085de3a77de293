// What is running, and what failed? Administrators see all work, others that of their projects.
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useListState } from "../app/search.ts";
import { isAdmin, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Empty } from "../kit/Empty.tsx";
import { Page } from "../kit/Page.tsx";
import { KINDS, PROJECT_KINDS, useKind } from "./kinds.ts";
import { runsQuery } from "./queries.ts";
import { Runs } from "./Runs.tsx";

const STATES: [string, Key][] = [["Running", "work.running"], ["Success", "work.done"], ["Error", "work.failed"], ["Stopped", "work.stopped"]];

export default function ActivityPage() {
  const t = useTranslate();
  const kind = useKind();
  const list = useListState();
  const admin = isAdmin(useUser());
  const query = useQuery(runsQuery(list));
  const chosen = (name: string) => list.filters[name] ?? "all";
  const choose = (name: string) => (value: string | null) => list.set({ filters: { [name]: value === "all" ? undefined : (value ?? undefined) } });
  return (
    <Page title={t("jobs.activity.title")}>
      <Runs
        id="activity" caption={t("jobs.activity.title")} query={query} list={list} isControlled={admin} empty={<Empty>{t("jobs.activity.empty")}</Empty>}
        tools={
          <>
            <Select aria-label={t("jobs.column.state")} w={150} allowDeselect={false} value={chosen("status")} onChange={choose("status")} data={[{ value: "all", label: t("jobs.anyState") }, ...STATES.map(([value, key]) => ({ value, label: t(key) }))]} />
            <Select aria-label={t("jobs.column.kind")} w={220} allowDeselect={false} value={chosen("kind")} onChange={choose("kind")} data={[{ value: "all", label: t("jobs.anyKind") }, ...(admin ? Object.keys(KINDS).filter((one) => one !== "SCHEDULER") : PROJECT_KINDS).map((value) => ({ value, label: kind(value) }))]} />
          </>
        }
      />
    </Page>
  );
}

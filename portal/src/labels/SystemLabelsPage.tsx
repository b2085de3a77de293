// Which labels can artifacts of all projects carry?
import { useQuery } from "@tanstack/react-query";
import { useListState } from "../app/search.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Page } from "../kit/Page.tsx";
import { LabelList } from "./LabelList.tsx";
import { systemLabelsQuery } from "./queries.ts";

const EVERYTHING = () => true; // the page is for administrators

export default function SystemLabelsPage() {
  const t = useTranslate();
  const list = useListState({ sort: "name" });
  const query = useQuery(systemLabelsQuery(list));
  return (
    <LabelList
      owner={null} query={query} list={list} may={EVERYTHING} empty={t("labels.empty")}
      frame={(open, body) => <Page title={t("labels.title")} actions={open} under={<p className="muted">{t("labels.system")}</p>}>{body}</Page>}
    />
  );
}

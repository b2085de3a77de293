// Which labels exist in this project, and what do they look like?
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useListState } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { projectQuery } from "../projects/queries.ts";
import { LabelList } from "./LabelList.tsx";
import { labelsQuery } from "./queries.ts";

const NOTHING = () => false;

export default function LabelsPage() {
  const t = useTranslate();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const id = useQuery(projectQuery(project)).data?.project_id;
  const list = useListState({ sort: "name" });
  const query = useQuery(labelsQuery(project, id, list));
  return <LabelList owner={{ project, id: id ?? 0 }} query={query} list={list} may={id === undefined ? NOTHING : may} empty={t("labels.empty")} />;
}

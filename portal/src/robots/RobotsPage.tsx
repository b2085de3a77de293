// Which machines have access to this project, and when does it end?
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useListState } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { projectQuery } from "../projects/queries.ts";
import { RightsList, RightsSaid } from "./Rights.tsx";
import { RobotForm } from "./RobotForm.tsx";
import { RobotList } from "./RobotList.tsx";
import { robotsChanged, robotsQuery } from "./queries.ts";
import { rightsOf } from "./rights.ts";

export default function RobotsPage() {
  const t = useTranslate();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const id = useQuery(projectQuery(project)).data?.project_id;
  const list = useListState({ sort: "name" });
  const query = useQuery(robotsQuery(project, id, list));
  return (
    <RobotList
      id="robots" place={project} empty={t("robots.empty")} query={query} list={list} writes={may("robot:create") && id !== undefined} changed={() => robotsChanged(project)}
      columns={[{ id: "rights", head: t("robots.column.rights"), cell: (one) => <RightsSaid rights={rightsOf(one.permissions?.[0]?.access)} /> }]}
      details={(one) => <RightsList rights={rightsOf(one.permissions?.[0]?.access)} />}
      form={(robot, onClose, onCreated) => <RobotForm project={project} robot={robot} onClose={onClose} onCreated={onCreated} />}
    />
  );
}

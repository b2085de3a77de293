// Which machines have access across projects, and when does it end?
import { useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import type { Robot } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Page } from "../kit/Page.tsx";
import { Name } from "../kit/values.tsx";
import { RightsList, RightsSaid } from "./Rights.tsx";
import { RobotList } from "./RobotList.tsx";
import { SystemRobotForm } from "./SystemRobotForm.tsx";
import { systemRobotsChanged, systemRobotsQuery } from "./queries.ts";
import { grantsOf } from "./rights.ts";

export default function SystemRobotsPage() {
  const t = useTranslate();
  const list = useListState({ sort: "name" });
  const query = useQuery(systemRobotsQuery(list));
  return (
    <RobotList
      id="system-robots" place="" empty={t("robots.empty")} query={query} list={list} writes changed={systemRobotsChanged}
      columns={[
        { id: "projects", head: t("robots.column.projects"), cell: (one) => <Where robot={one} /> },
        { id: "rights", head: t("robots.column.rights"), cell: (one) => <May robot={one} /> },
      ]}
      details={(one) => <Details robot={one} />}
      form={(robot, onClose, onCreated) => <SystemRobotForm robot={robot} onClose={onClose} onCreated={onCreated} />}
      frame={(open, body) => <Page title={t("robots.title")} actions={open} under={<p className="muted">{t("robots.system.about")}</p>}>{body}</Page>}
    />
  );
}

const MOST = 3;

function Where({ robot }: { robot: Robot }) {
  const t = useTranslate();
  const { grants } = grantsOf(robot.permissions);
  if (grants.some((one) => one.projects === "all")) return <>{t("robots.system.all")}</>;
  const names = grants.flatMap((one) => one.projects as string[]);
  if (names.length === 0) return <span className="muted">{t("robots.system.noProject")}</span>;
  return (
    <span>
      {names.slice(0, MOST).map((one, index) => <Fragment key={one}>{index > 0 && ", "}<Name>{one}</Name></Fragment>)}
      {names.length > MOST && <span className="muted"> {t("robots.system.more", { n: names.length - MOST })}</span>}
    </span>
  );
}

function May({ robot }: { robot: Robot }) {
  const t = useTranslate();
  const { system, grants } = grantsOf(robot.permissions);
  return (
    <span>
      {grants.length === 1 && grants[0] && <RightsSaid rights={grants[0].rights} />}
      {grants.length > 1 && t("robots.system.differs")}
      {system.length > 0 && <span className={grants.length ? "muted" : undefined}>{grants.length > 0 && " · "}{t("robots.system.inSystem", { count: system.length })}</span>}
    </span>
  );
}

function Details({ robot }: { robot: Robot }) {
  const t = useTranslate();
  const { system, grants } = grantsOf(robot.permissions);
  return (
    <div className="stack">
      {grants.map((one) => <div key={String(one.projects)}><strong>{one.projects === "all" ? t("robots.system.all") : <bdi translate="no">{one.projects.join(", ")}</bdi>}</strong><RightsList rights={one.rights} /></div>)}
      {system.length > 0 && <div><strong>{t("robots.system.inSystem", { count: system.length })}</strong><RightsList rights={system} /></div>}
    </div>
  );
}

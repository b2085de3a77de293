// What is in this project, and who works in it?
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Suspense } from "react";
import { places } from "../app/paths.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Facts } from "../kit/Facts.tsx";
import { lazyPart } from "../kit/lazyPart.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Quota } from "../kit/Progress.tsx";
import { Bytes, Count, Name, Time } from "../kit/values.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { Attention } from "./Attention.tsx";
import { Latest } from "./Latest.tsx";
import { projectQuery, summaryQuery } from "./queries.ts";

const ProjectUsage = lazyPart(() => import("../usage/ProjectUsage.tsx")); // charts come after what is read first

export default function SummaryPage() {
  const t = useTranslate();
  const { project: name } = useParams({ strict: false }) as { project: string };
  const project = useQuery(projectQuery(name)).data;
  const query = useQuery(summaryQuery(name));
  const may = useMay(name);
  const found = query.data;
  if (query.error && query.data === undefined) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  if (!found || !project) return <Waiting />;
  const roles: [Key, number | null | undefined][] = [
    ["projects.role.admin", found.project_admin_count], ["projects.role.maintainer", found.maintainer_count], ["projects.role.developer", found.developer_count],
    ["projects.role.guest", found.guest_count], ["projects.role.limitedGuest", found.limited_guest_count],
  ];
  const quota = found.quota;
  return (
    <div className="sections">
      <Attention project={project} summary={found} />
      <section className="stack" aria-label={t("projects.summary.content")}>
        <h2>{t("projects.summary.content")}</h2>
        <div className="panel">
          <Facts
            rows={[
              [t("projects.summary.mirrors"), found.registry ? <><Name>{found.registry.name ?? ""}</Name> <bdi className="muted" translate="no">{found.registry.url}</bdi></> : null],
              [t("projects.column.repositories"), <Link key="r" to={places.repositories(name)}><Count value={found.repo_count ?? 0} /></Link>],
              [t("projects.summary.stored"), quota ? <Quota used={quota.used["storage"] ?? 0} limit={quota.hard["storage"] ?? -1} label={t("projects.quotaOf", { name })} /> : null],
              [t("projects.summary.trash"), quota && quota.trash > 0 ? <Bytes value={quota.trash} /> : null],
              [t("projects.column.created"), <Time key="c" value={project.creation_time} />],
              [t("projects.column.owner"), project.owner_name ? <Name>{project.owner_name}</Name> : null],
            ]}
          />
        </div>
      </section>
      {may("repository:list") && <Latest project={name} />}
      {roles.some(([, count]) => count) && (
        <section className="stack" aria-label={t("projects.summary.people")}>
          <h2>{t("projects.summary.people")}</h2>
          <div className="panel"><Facts rows={roles.filter(([, count]) => count).map(([key, count]) => [t(key), <Count key={key} value={count} />])} /></div>
        </section>
      )}
      {may("quota:read") && <Suspense><ProjectUsage project={name} /></Suspense>}
    </div>
  );
}

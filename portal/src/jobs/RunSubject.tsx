// What a run or a schedule is of: the name of its policy, and its project, each a link to where it is looked at.
import { Link } from "@tanstack/react-router";
import type { WorkRun } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Name } from "../kit/values.tsx";
import { placeOf, useKind } from "./kinds.ts";

type Of = Pick<WorkRun, "vendor_type" | "vendor_id" | "subject" | "project"> & { id?: number };

/** The kind of work, as a link to its page. */
export function Kind({ of, run = false }: { of: Of; run?: boolean }) {
  const kind = useKind();
  const place = placeOf(of, { run });
  return place ? <Link to={place as string}>{kind(of.vendor_type)}</Link> : <span>{kind(of.vendor_type)}</span>;
}

/** `ci · team`: what it is of. Nothing where there is only one of its kind. */
export function SubjectOf({ of }: { of: Of }) {
  const t = useTranslate();
  const parts = [
    ...(of.subject ? [<Name key="s">{of.subject}</Name>] : of.vendor_id > 0 && !of.project ? [<span key="g" className="muted">{t("jobs.gone", { id: of.vendor_id })}</span>] : []),
    ...(of.project ? [<Link key="p" to={places.project(of.project)}><Name>{of.project}</Name></Link>] : []),
  ];
  if (parts.length === 0) return <span className="muted">–</span>;
  return <span>{parts.map((one, index) => <span key={index}>{index > 0 && <span className="muted"> · </span>}{one}</span>)}</span>;
}

/** Who or what began it. */
export function StartedBy({ run }: { run: Pick<WorkRun, "trigger" | "started_by"> }) {
  const t = useTranslate();
  if (run.started_by && run.trigger === "MANUAL") return <Name>{run.started_by}</Name>;
  const word = run.trigger === "SCHEDULE" ? t("work.by.schedule") : run.trigger === "EVENT" ? t("work.by.event") : t("work.by.system");
  return <span className="muted">{word}</span>;
}

// What hangs on an artifact, as a tree: its signatures, SBOMs and attestations, and below each what hangs on that.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Accessory, Artifact } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { shortDigest } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Bytes, Time } from "../kit/values.tsx";
import { saidAccessory } from "./accessory.ts";
import { accessoriesQuery, useRepository } from "./queries.ts";
import classes from "./artifacts.module.css";

export function Accessories({ artifact }: { artifact: Artifact }) {
  const t = useTranslate();
  const own = artifact.accessories ?? [];
  const inherited = artifact.inherited_accessories ?? [];
  return (
    <div className="sections">
      {own.length === 0 ? <Empty>{t("artifacts.accessories.none")}</Empty> : <div className="panel"><Branch of={artifact.digest} accessories={own} label={t("artifacts.fact.accessories")} /></div>}
      {inherited.length > 0 && (
        <section className="stack">
          <h2>{t("artifacts.accessories.inherited")}</h2>
          <div className="panel"><Branch of={inherited[0]?.subject_artifact_digest ?? ""} accessories={inherited} label={t("artifacts.accessories.inherited")} /></div>
        </section>
      )}
    </div>
  );
}

/** An artifact, and below it what hangs on it. */
function Branch({ of, accessories, label }: { of: string; accessories: Accessory[]; label: string }) {
  return (
    <div className={classes["tree"]}>
      <code title={of} translate="no">{shortDigest(of)}</code>
      <ul aria-label={label}>{accessories.map((one) => <Node key={one.digest} accessory={one} />)}</ul>
    </div>
  );
}

function Node({ accessory }: { accessory: Accessory }) {
  const t = useTranslate();
  const { project, repository, path } = useRepository();
  const may = useMay(project);
  const query = useQuery({ ...accessoriesQuery(path, accessory.digest), enabled: accessory.has_accessories === true && may("accessory:list") });
  return (
    <li>
      <div className="row">
        <Chip title={accessory.artifact_type ?? accessory.type}>{saidAccessory(accessory, t)}</Chip>
        <Link to={places.artifact(project, repository, accessory.digest)}><code title={accessory.digest} translate="no">{shortDigest(accessory.digest)}</code></Link>
        <Bytes value={accessory.size} />
        <span className="muted"><Time value={accessory.creation_time} /></span>
      </div>
      {query.error && <ProblemBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && query.data.length > 0 && <ul>{query.data.map((one) => <Node key={one.digest} accessory={one} />)}</ul>}
    </li>
  );
}

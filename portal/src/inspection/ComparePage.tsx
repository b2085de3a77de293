// What changed between these two?
import { ActionIcon, Select, Tooltip } from "@mantine/core";
import { IconArrowsExchange } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { ComparedLayer, ComparedSide, Comparison, ConfigDifference } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useSearch } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import type { Translate } from "../i18n/translator.ts";
import { useRepository, type Path } from "../artifacts/queries.ts";
import { Empty } from "../kit/Empty.tsx";
import { bytes, shortDigest } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Bytes, Digest, Time } from "../kit/values.tsx";
import { TagPick } from "./TagPick.tsx";
import { signed, valueOf } from "./differences.ts";
import kit from "../kit/kit.module.css";
import { Waiting } from "../kit/Waiting.tsx";
import classes from "./compare.module.css";

const compareQuery = (path: Path, from: string, to: string, platform: string) => ({
  queryKey: ["repository", path.project_name, path.repository_name, "compare", from, to, platform],
  enabled: from !== "" && to !== "",
  placeholderData: keepPreviousData,
  queryFn: async ({ signal }: { signal: AbortSignal }) => (await call("GET /projects/{project_name}/repositories/{repository_name}/compare", { path, query: { from, to, ...(platform ? { platform } : {}) }, signal })).data,
});

export default function ComparePage() {
  const t = useTranslate();
  const { path } = useRepository();
  const [search, setSearch] = useSearch();
  const from = search["from"] ?? "";
  const to = search["to"] ?? "";
  const query = useQuery(compareQuery(path, from, to, search["platform"] ?? ""));
  const found = query.error || from === "" || to === "" ? undefined : query.data;
  const platforms = found?.common_platforms ?? [];
  return (
    <div className="sections">
      <div className={classes["pick"]}>
        <TagPick path={path} label={t("compare.from")} value={from} onPick={(one) => setSearch({ from: one, platform: undefined })} />
        <Tooltip label={t("compare.swap")}><ActionIcon aria-label={t("compare.swap")} variant="default" size={32} disabled={from === "" && to === ""} onClick={() => setSearch({ from: to, to: from })}><IconArrowsExchange size={16} stroke={1.5} /></ActionIcon></Tooltip>
        <TagPick path={path} label={t("compare.to")} value={to} onPick={(one) => setSearch({ to: one, platform: undefined })} />
        {platforms.length > 1 && <Select label={t("artifacts.fact.platform")} w={170} allowDeselect={false} data={platforms} value={found?.to.compared_platform ?? null} onChange={(platform) => setSearch({ platform: platform ?? undefined })} />}
      </div>
      {(from === "" || to === "") && <Empty>{t("compare.choose")}</Empty>}
      {query.error && <ProblemBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isLoading && <Waiting />}
      {found && <Shown found={found} />}
    </div>
  );
}

function Shown({ found }: { found: Comparison }) {
  const t = useTranslate();
  const language = useLanguage();
  return (
    <>
      <div className={classes["sides"]}>
        <Side name={t("compare.from")} side={found.from} />
        <Side name={t("compare.to")} side={found.to} />
      </div>
      {found.equal ? <p className="strong">{t("compare.equal")}</p> : (
        <>
          <p className="row">
            <span className="strong figures">{t("compare.size", { bytes: signed(found.size_difference, bytes(Math.abs(found.size_difference), language)) })}</span>
            <span>· {t("compare.same", { count: found.same.count })}</span><span>· {t("compare.added", { count: found.added.count })}</span><span>· {t("compare.removed", { count: found.removed.count })}</span>
          </p>
          <div className="stack"><h2>{t("artifacts.view.layers")}</h2><Layers layers={found.layers} /></div>
          <div className="stack"><h2>{t("artifacts.view.configuration")}</h2><Config found={found} /></div>
        </>
      )}
      <p className="muted small">{t("compare.leftOut")}</p>
    </>
  );
}

function Side({ name, side }: { name: string; side: ComparedSide }) {
  const { project, repository } = useRepository();
  const t = useTranslate();
  return (
    <div className="panel stack">
      <div className="row"><span className="muted">{name}</span><Digest value={side.digest} /><Bytes value={side.compared_size} /><span className="muted"><Time value={side.push_time} /></span></div>
      {side.compared_digest !== side.digest && <div className="row small"><span className="muted">{side.compared_platform}</span><Link to={places.artifact(project, repository, side.compared_digest)}><code title={side.compared_digest} translate="no">{shortDigest(side.compared_digest)}</code></Link></div>}
      {side.config_unread !== "" && <p className="muted small">{t("artifacts.config.unread", { why: side.config_unread })}</p>}
    </div>
  );
}

const SIGNS: Record<string, string> = { same: "=", added: "+", removed: "−", changed: "~" };
const state = (one: string, t: Translate) => t(`compare.state.${one as "same"}`);

function Layers({ layers }: { layers: ComparedLayer[] }) {
  const t = useTranslate();
  if (layers.length === 0) return <Empty>{t("compare.noLayers")}</Empty>;
  return (
    <div className={kit["scroll"]} role="region" aria-label={t("artifacts.view.layers")} tabIndex={0}>
      <table className={kit["plainTable"]}>
        <caption className="hidden">{t("artifacts.view.layers")}</caption>
        <thead><tr><th scope="col">{t("compare.column.change")}</th><th scope="col">{t("artifacts.layers.number")}</th><th scope="col">{t("artifacts.column.digest")}</th><th scope="col" data-figure>{t("artifacts.column.size")}</th><th scope="col">{t("artifacts.layers.command")}</th></tr></thead>
        <tbody>
          {layers.map((one, index) => (
            <tr key={`${one.digest} ${index}`} className={classes["line"]} data-state={one.state}>
              <td><span className="mono" aria-hidden>{SIGNS[one.state]}</span> {state(one.state, t)}</td>
              <td className="figures">{one.to_position ?? one.from_position}</td>
              <td><code title={one.digest} translate="no">{shortDigest(one.digest)}</code></td>
              <td data-figure><Bytes value={one.size} /></td>
              <td className={kit["wide"]}><code translate="no">{(one.created_by ?? one.media_type).replace(/^\/bin\/sh -c #\(nop\) */, "").replace(/\s+/g, " ")}</code></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Config({ found }: { found: Comparison }) {
  const t = useTranslate();
  const unread = found.from.config_unread !== "" || found.to.config_unread !== "";
  if (found.config.length === 0) return <Empty>{unread ? t("compare.configUnread") : t("compare.configSame")}</Empty>;
  const named = (one: ConfigDifference) => (one.name === "" ? one.part : `${one.part} ${one.name}`);
  return (
    <div className={kit["scroll"]} role="region" aria-label={t("artifacts.view.configuration")} tabIndex={0}>
      <table className={kit["plainTable"]}>
        <caption className="hidden">{t("artifacts.view.configuration")}</caption>
        <thead><tr><th scope="col">{t("compare.column.change")}</th><th scope="col">{t("compare.column.setting")}</th><th scope="col">{t("compare.column.before")}</th><th scope="col">{t("compare.column.after")}</th></tr></thead>
        <tbody>
          {found.config.map((one) => (
            <tr key={named(one)} className={classes["line"]} data-state={one.change}>
              <td><span className="mono" aria-hidden>{SIGNS[one.change]}</span> {state(one.change, t)}</td>
              <td className={classes["name"]}><code translate="no"><bdi>{named(one)}</bdi></code></td>
              <td className={kit["wide"]}><code translate="no"><bdi>{valueOf(one.before)}</bdi></code></td>
              <td className={kit["wide"]}><code translate="no"><bdi>{valueOf(one.after)}</bdi></code></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

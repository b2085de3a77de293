// Is this the right one, is it signed, and what is in it?
import { Button, Menu, SegmentedControl } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { Accessory, Artifact, ArtifactParts } from "../api/schema.ts";
import { useOffers } from "../app/keys.ts";
import { places } from "../app/paths.ts";
import { useSearch } from "../app/search.ts";
import { useMay, useUser } from "../app/session.tsx";
import { Failed } from "../app/guards.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { inPlatformOrder, shortDigest } from "../kit/format.ts";
import { Page, type Crumb } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Bytes, Copy, Digest, Name, Time } from "../kit/values.tsx";
import { ArtifactLabels } from "../labels/ArtifactLabels.tsx";
import { Accessories } from "./Accessories.tsx";
import { ADDITIONS, Addition, type AdditionName } from "../inspection/Addition.tsx";
import { AddTag } from "./AddTag.tsx";
import { CopyTo } from "./CopyTo.tsx";
import { DeleteArtifacts } from "./DeleteArtifacts.tsx";
import { DeleteTags } from "./DeleteTags.tsx";
import { Layers } from "../inspection/Layers.tsx";
import { PullCommands } from "./PullCommands.tsx";
import { Signed } from "./Platforms.tsx";
import { useHost } from "./PushCommands.tsx";
import { artifactQuery, partsQuery, useRepository } from "./queries.ts";
import { useType } from "./types.ts";
import { Waiting } from "../kit/Waiting.tsx";
import { Switcher } from "../projects/Switcher.tsx";
import kit from "../kit/kit.module.css";
import classes from "./artifacts.module.css";

const VIEWS = ["overview", "layers", "configuration", "accessories", ...ADDITIONS] as const;
type View = (typeof VIEWS)[number];
/** Words can't have a point in their names. */
const WORDS = { overview: "artifacts.view.overview", layers: "artifacts.view.layers", configuration: "artifacts.view.configuration", accessories: "artifacts.view.accessories", "readme.md": "artifacts.view.readme", "values.yaml": "artifacts.view.values", dependencies: "artifacts.view.dependencies", license: "artifacts.view.license", files: "artifacts.view.files" } as const;

export default function ArtifactPage() {
  const t = useTranslate();
  const { project, repository, path } = useRepository();
  const { reference } = useParams({ strict: false }) as { reference: string };
  const query = useQuery(artifactQuery(path, reference));
  if (query.error && !query.data) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const artifact = query.data;
  const crumbs = [{ label: t("projects.title"), to: places.projects }, { label: project, to: places.repositories(project), beside: <Switcher /> }, { label: repository, to: places.repository(project, repository), beside: <Switcher of={project} /> }];
  const tag = reference.includes(":") ? null : reference;
  if (!artifact) return <Page title={tag ?? shortDigest(reference)} isName crumbs={crumbs}><Waiting /></Page>;
  return <Shown key={artifact.digest} artifact={artifact} tag={tag} crumbs={crumbs} />;
}

function Shown({ artifact, tag, crumbs }: { artifact: Artifact; tag: string | null; crumbs: Crumb[] }) {
  const t = useTranslate();
  const typed = useType();
  const navigate = useNavigate();
  const { project, repository, path } = useRepository();
  const host = useHost();
  const may = useMay(project);
  const [search, setSearch] = useSearch();
  const [pulls, setPulls] = useState(true);
  const isSignedIn = Boolean(useUser());
  const [open, setOpen] = useState<"tag" | "copy" | "deleteTag" | "deleteArtifact" | null>(null);
  const close = () => setOpen(null);
  const leave = () => void navigate({ to: places.repository(project, repository) });
  const parts = useQuery({ ...partsQuery(path, artifact.digest), enabled: may("artifact-addition:read") });
  const children = (parts.data?.children ?? []).filter((one) => !one.attestation && one.artifact_id !== null);
  const platforms = inPlatformOrder(children.map((one) => one.platform));
  const platform = platforms.includes(search["platform"] ?? "") ? (search["platform"] as string) : platforms[0];
  const child = children.find((one) => one.platform === platform);
  const inner = useQuery({ ...partsQuery(path, child?.digest ?? ""), enabled: child !== undefined });
  const seen = child === undefined ? parts : inner;
  const accessories = artifact.accessories ?? [];
  const links = artifact.addition_links ?? {};
  const views = VIEWS.filter((one) => one === "overview" || one === "accessories" || (may("artifact-addition:read") && (!isAddition(one) || one in links)));
  const view: View = views.find((one) => one === search["tab"]) ?? "overview";
  const others = (artifact.tags ?? []).map((one) => one.name).filter((name) => name !== tag);
  const short = shortDigest(artifact.digest);
  const signature = [...accessories, ...(artifact.inherited_accessories ?? [])].find((one) => one.type.startsWith("signature."));
  const isOwn = accessories.some((one) => one.type.startsWith("signature."));
  const isImmutable = artifact.tags?.some((one) => one.name === tag && one.immutable);
  useOffers([
    ...(tag !== null && may("tag:delete") ? [{ label: t("artifacts.deleteTags.open", { count: 1 }), note: tag, press: () => setOpen("deleteTag"), removes: true }] : []),
    ...(may("artifact:delete") ? [{ label: t("artifacts.deleteArtifact.open"), note: short, press: () => setOpen("deleteArtifact"), removes: true }] : []),
  ]);
  return (
    <Page
      title={tag ?? short} isName crumbs={crumbs} windowTitle={[tag ?? short, `${project}/${repository}`]}
      copy={<Copy text={`${host}/${project}/${repository}${tag === null ? "@" + artifact.digest : ":" + tag}`} label={t("artifacts.copyReference", { tag: tag ?? short })} />}
      aside={<span className="row"><Chip>{typed(artifact.type)}</Chip>{platforms.length > 1 && <span className="muted">{t("artifacts.platforms", { count: platforms.length })}</span>}{isImmutable && <Chip>{t("artifacts.immutable.chip")}</Chip>}</span>}
      actions={
        <>
          <Button variant="default" aria-expanded={pulls} onClick={() => setPulls(!pulls)}>{t("artifacts.pull.title")}</Button>
          {may("tag:create") && <Button variant="default" onClick={() => setOpen("tag")}>{t("artifacts.addTag.open")}</Button>}
          {isSignedIn && <Button variant="default" onClick={() => setOpen("copy")}>{t("artifacts.copyTo.open")}</Button>}
          {(may("tag:delete") || may("member:update")) && (
            <Menu>
              <Menu.Target><Button variant="default" rightSection={<IconChevronDown size={14} stroke={1.5} aria-hidden />}>{t("kit.more")}</Button></Menu.Target>
              <Menu.Dropdown>
                {may("member:update") && <Menu.Item {...({ component: Link, to: places.access(project), search: { repository, ...(tag === null ? {} : { tag }) } } as object)}>{t("explain.open")}</Menu.Item>}
                {tag !== null && may("tag:delete") && <Menu.Item className="danger" onClick={() => setOpen("deleteTag")}>{t("artifacts.deleteTags.open", { count: 1 })}</Menu.Item>}
                {may("artifact:delete") && <Menu.Item className="danger" onClick={() => setOpen("deleteArtifact")}>{t("artifacts.deleteArtifact.open")}</Menu.Item>}
              </Menu.Dropdown>
            </Menu>
          )}
        </>
      }
      under={
        <>
        <div className="row muted">
          <Digest value={artifact.digest} /><span aria-hidden>·</span><Bytes value={artifact.size} /><span aria-hidden>·</span><span>{t("artifacts.fact.pushed")} <Time value={artifact.push_time} /></span>
          {others.length > 0 && <><span aria-hidden>·</span><span>{t("artifacts.also")} {others.slice(0, 8).map((name, index) => <span key={name}>{index > 0 && ", "}<Link to={places.tag(project, repository, name)}><Name>{name}</Name></Link></span>)}{others.length > 8 && ` +${others.length - 8}`}</span></>}
        </div>
        <ArtifactLabels path={path} digest={artifact.digest} labels={artifact.labels ?? []} />
        </>
      }
    >
      <div className="sections">
        {pulls && <PullCommands project={project} repository={repository} tag={tag} digest={artifact.digest} type={artifact.type} />}
        {platforms.length > 1 && <SegmentedControl className={kit["wraps"] ?? ""} aria-label={t("artifacts.column.platforms")} value={platform ?? ""} data={platforms} onChange={(value) => setSearch({ platform: value === platforms[0] ? undefined : value })} />}
        <div className={kit["tabs"]} role="tablist" aria-label={t("artifacts.views")}>
          {views.map((one) => (
            <button key={one} type="button" role="tab" id={`tab-${one}`} aria-selected={view === one} aria-controls="view" className={kit["tab"]} data-active={view === one || undefined} onClick={() => setSearch({ tab: one === "overview" ? undefined : one })}>
              {t(WORDS[one])}{one === "accessories" && accessories.length > 0 && <span className="small muted"> {accessories.length}</span>}
            </button>
          ))}
        </div>
        <div role="tabpanel" id="view" aria-labelledby={`tab-${view}`} tabIndex={0} className={kit["view"]}>
          {seen.error && view !== "accessories" && !isAddition(view) ? <ProblemBox error={seen.error} onRetry={() => void seen.refetch()} /> : null}
          {view === "overview" && <Overview artifact={artifact} parts={seen.data} signature={signature} isOwn={isOwn} />}
          {view === "layers" && seen.data && <Layers layers={seen.data.layers} />}
          {view === "configuration" && seen.data && <Configuration parts={seen.data} />}
          {isAddition(view) && <Addition path={path} digest={artifact.digest} name={view} label={t(WORDS[view])} />}
          {view === "accessories" && <Accessories artifact={artifact} />}
        </div>
      </div>
      {open === "tag" && <AddTag path={path} digest={artifact.digest} of={tag ?? short} onClose={close} />}
      {open === "copy" && <CopyTo path={path} these={[{ digest: artifact.digest, name: tag ?? short }]} onClose={close} />}
      {open === "deleteTag" && tag !== null && <DeleteTags path={path} tags={[tag]} onClose={close} onDone={leave} />}
      {open === "deleteArtifact" && <DeleteArtifacts path={path} digests={[artifact.digest]} onClose={close} onDone={leave} />}
    </Page>
  );
}

const isAddition = (view: View): view is AdditionName => (ADDITIONS as readonly string[]).includes(view);

function Overview({ artifact, parts, signature, isOwn }: { artifact: Artifact; parts: ArtifactParts | undefined; signature: Accessory | undefined; isOwn: boolean }) {
  const t = useTranslate();
  const typed = useType();
  const config = (parts?.config?.content ?? {}) as { created?: string; author?: string; os?: string; architecture?: string; config?: { Cmd?: string[]; Entrypoint?: string[]; User?: string; WorkingDir?: string } };
  const annotations = Object.entries(artifact.annotations ?? {});
  const hangsOn = (artifact.accessories ?? []).length + (artifact.inherited_accessories ?? []).length > 0;
  return (
    <div className="sections">
      <div className={hangsOn ? classes["pair"] : undefined}>
      <div className="panel">
        <Facts
          rows={[
            [t("artifacts.column.signed"), <Signed key="s" own={isOwn ? signature?.type : null} inherited={isOwn ? null : signature?.type} />],
            [t("artifacts.column.type"), typed(artifact.type)],
            [t("artifacts.fact.mediaType"), <code key="m" translate="no">{artifact.manifest_media_type}</code>],
            [t("artifacts.fact.artifactType"), artifact.artifact_type ? <code translate="no">{artifact.artifact_type}</code> : null],
            [t("artifacts.fact.platform"), parts?.platform],
            [t("artifacts.fact.created"), config.created ? <Time value={config.created} /> : null],
            [t("artifacts.fact.author"), config.author ? <Name>{config.author}</Name> : null],
            [t("artifacts.fact.entrypoint"), config.config?.Entrypoint?.length ? <code translate="no">{config.config.Entrypoint.join(" ")}</code> : null],
            [t("artifacts.fact.command"), config.config?.Cmd?.length ? <code translate="no">{config.config.Cmd.join(" ")}</code> : null],
            [t("artifacts.fact.user"), config.config?.User ? <code translate="no">{config.config.User}</code> : null],
            [t("artifacts.column.pulled"), <Time key="p" value={artifact.pull_time} />],
          ]}
        />
      </div>
      {hangsOn && <Accessories artifact={artifact} />}
      </div>
      {(parts?.layers ?? []).length > 0 && <section className="stack"><h2>{t("artifacts.view.layers")}</h2><Layers layers={parts?.layers ?? []} /></section>}
      {annotations.length > 0 && (
        <section className="stack" aria-label={t("artifacts.annotations")}>
          <h2>{t("artifacts.annotations")}</h2>
          <div className="panel"><Facts rows={annotations.map(([name, value]) => [name, <bdi key={name}>{value}</bdi>])} /></div>
        </section>
      )}
    </div>
  );
}

function Configuration({ parts }: { parts: ArtifactParts }) {
  const t = useTranslate();
  if (!parts.config) return <Empty>{t("artifacts.config.none")}</Empty>;
  const text = parts.config.content === null ? null : JSON.stringify(parts.config.content, null, 2);
  return (
    <div className="stack">
      <div className="row"><Digest value={parts.config.digest} /><Bytes value={parts.config.size} />{text !== null && <Copy text={text} label={t("artifacts.config.copy")} />}</div>
      {text === null ? <Empty>{t("artifacts.config.unread", { why: parts.config.unread })}</Empty> : <pre className={kit["block"]} translate="no" tabIndex={0} aria-label={t("artifacts.view.configuration")} role="region">{text}</pre>}
    </div>
  );
}

// The last runs, and what one of them found: each artifact with its verdict and the reason.
import { Button, Select } from "@mantine/core";
import { IconPlayerStop } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { RetentionExecution, RetentionRule, RetentionVerdict } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useListState, useSearch } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Link } from "@tanstack/react-router";
import { Chip, type Tone } from "../kit/Chip.tsx";
import { Confirm } from "../kit/Confirm.tsx";
import { Empty } from "../kit/Empty.tsx";
import { dateTime, number, shortDigest } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Bytes, Subject, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { foundQuery, isRunning, retentionChanged, runsQuery, verdictsQuery } from "./queries.ts";

const TONES: Record<string, Tone> = { keep: "ok", delete: "danger", deleted: "danger", immutable: "accent", in_use: "accent" };
const VERDICTS = ["delete", "keep", "immutable", "in_use", "deleted", "changed", "gone", "unnamed"] as const;

export function Runs({ project, id, rules }: { project: string; id: number; rules: RetentionRule[] }) {
  const t = useTranslate();
  const language = useLanguage();
  const may = useMay(project);
  const [search, setSearch] = useSearch();
  const stop = useMutation({ mutationFn: (run: number) => call("PATCH /retentions/{id}/executions/{eid}", { path: { id, eid: run }, body: { action: "stop" } }), onSettled: () => retentionChanged(project) });
  const runs = useQuery(runsQuery(project, id)).data as RetentionExecution[] | undefined;
  if (!runs?.length) return null;
  const run = runs.find((one) => String(one.id) === search["run"]) ?? runs[0];
  if (!run) return null;
  const name = (one: RetentionExecution) => `${one.dry_run ? t("retention.run.dry") : t("retention.run.real")} · ${dateTime(new Date(one.start_time), language)}`;
  return (
    <div className="stack">
      <div className="row">
        <h2>{t("retention.result")}</h2>
        <Select aria-label={t("retention.result")} w={280} allowDeselect={false} data={runs.map((one) => ({ value: String(one.id), label: name(one) }))} value={String(run.id)} onChange={(value) => setSearch({ run: value ?? undefined, page: undefined })} />
        <Chip tone={isRunning(run.status) ? "accent" : run.status === "Error" ? "danger" : "plain"}>{isRunning(run.status) ? t("retention.state.running") : run.status === "Error" ? t("retention.state.failed") : run.status === "Stopped" ? t("retention.state.stopped") : t("retention.state.done")}</Chip>
        {run.message && <span className="muted"><bdi lang="en">{run.message}</bdi></span>}
        {isRunning(run.status) && may("tag-retention:update") && <Button size="xs" variant="default" leftSection={<IconPlayerStop size={16} stroke={1.5} aria-hidden />} loading={stop.isPending} onClick={() => stop.mutate(run.id)}>{t("work.stop")}</Button>}
      </div>
      {stop.error && <ProblemBox error={stop.error} />}
      <Found project={project} id={id} run={run} />
      <Verdicts key={run.id} project={project} id={id} run={run} rules={rules} />
    </div>
  );
}

/** What decided: the rules that keep it, or what each of them says against it; of others what stands in the way. */
function Because({ verdict, rules }: { verdict: RetentionVerdict; rules: RetentionRule[] }) {
  const t = useTranslate();
  const said = t(`retention.because.${verdict.verdict as (typeof VERDICTS)[number]}`);
  const deciding = verdict.verdict === "keep" ? verdict.reasons.filter((one) => one.kept) : verdict.verdict === "delete" || verdict.verdict === "deleted" ? verdict.reasons : [];
  if (deciding.length === 0) return <>{said}</>;
  return <>{verdict.verdict !== "keep" && <>{said} · </>}{deciding.map((one, index) => <span key={one.rule}>{index > 0 && " · "}<Reason reason={one} rules={rules} /></span>)}</>;
}

/** What one rule says; one that was removed since has its id only. */
function Reason({ reason: one, rules }: { reason: RetentionVerdict["reasons"][number]; rules: RetentionRule[] }) {
  const t = useTranslate();
  const place = rules.findIndex((rule) => rule.id === one.rule);
  const rule = place < 0 ? t("retention.why.old", { id: one.rule }) : t("retention.why.rule", { n: place + 1 });
  const why = one.why === "rank" ? t(one.kept ? "retention.why.rankIn" : "retention.why.rankOut", { n: one.rank ?? 0 }) : one.why === "age" ? t(one.kept ? "retention.why.ageKept" : "retention.why.ageLost") : one.why === "always" ? t("retention.why.always") : one.why === "unknown_pull" ? t("retention.why.unknownPull") : t("retention.why.notSelected");
  return <><span className="strong">{rule}</span> {why}</>;
}

/** What each rule says of an artifact. */
function Reasons({ verdict, rules }: { verdict: RetentionVerdict; rules: RetentionRule[] }) {
  const t = useTranslate();
  if (verdict.reasons.length === 0) return <p className="muted">{t("retention.why.none")}</p>;
  return (
    <ul>
      {verdict.reasons.map((one) => <li key={one.rule}><Reason reason={one} rules={rules} /></li>)}
    </ul>
  );
}

/** What a run that has ended comes to. */
function Found({ project, id, run }: { project: string; id: number; run: RetentionExecution }) {
  const t = useTranslate();
  const language = useLanguage();
  const found = useQuery(foundQuery(project, id, run)).data;
  if (isRunning(run.status) || found?.total === 0) return null;
  return <p style={{ minBlockSize: 20 }}>{found && t(run.dry_run ? "retention.found.dry" : "retention.found.real", { count: found.goes, total: number(found.total, language) })}</p>;
}

function Verdicts({ project, id, run, rules }: { project: string; id: number; run: RetentionExecution; rules: RetentionRule[] }) {
  const t = useTranslate();
  const may = useMay(project);
  const list = useListState();
  const [, setSearch] = useSearch();
  const verdict = list.filters["verdict"] ?? "";
  const query = useQuery(verdictsQuery(project, id, run, list, verdict));
  const [asks, setAsks] = useState(false);
  const exactly = useMutation({
    mutationFn: async () => (await call("POST /retentions/{id}/executions", { path: { id }, body: { exactly: run.id } })).headers.get("Location")?.split("/").pop(),
    onSuccess: (made) => {
      setAsks(false);
      setSearch({ run: made, page: undefined, "f.verdict": undefined });
      void retentionChanged(project);
    },
  });
  const columns: Column<RetentionVerdict>[] = [
    { id: "artifact", head: t("retention.column.artifact"), cell: (one) => <Link to={places.artifact(project, one.repository, one.digest)}><Subject>{one.tags.length ? `${one.repository}:${one.tags.join(", ")}` : `${one.repository}@${one.digest}`}</Subject></Link> },
    { id: "verdict", head: t("retention.column.verdict"), width: "fit", phone: 1, cell: (one) => <Chip tone={TONES[one.verdict] ?? "plain"}>{t(`retention.verdict.${one.verdict as (typeof VERDICTS)[number]}`)}</Chip> },
    { id: "because", head: t("retention.column.because"), cell: (one) => <Because verdict={one} rules={rules} /> },
    { id: "size", head: t("retention.column.size"), width: "figure", cell: (one) => <Bytes value={one.size} /> },
    { id: "pushed", head: t("retention.column.pushed"), width: "fit", cell: (one) => <Time value={one.push_time} /> },
    { id: "pulled", head: t("retention.column.pulled"), width: "fit", optional: true, cell: (one) => <Time value={one.pull_time} /> },
  ];
  return (
    <>
      <Table
        id="verdicts" caption={t("retention.result")} columns={columns} query={query} list={list} rowKey={(one) => `${one.repository}@${one.digest}`} rowName={(one) => one.tags[0] ?? shortDigest(one.digest)} filterLabel={t("retention.filter")}
        tools={
          <>
            <Select aria-label={t("retention.column.verdict")} w={190} allowDeselect={false} value={verdict} onChange={(value) => list.set({ filters: { verdict: value || undefined } })} data={[{ value: "", label: t("retention.verdict.all") }, ...VERDICTS.map((one) => ({ value: one, label: t(`retention.verdict.${one}`) }))]} />
            {run.dry_run && run.status === "Success" && may("tag-retention:update") && <Button size="xs" variant="default" onClick={() => setAsks(true)}>{t("retention.exactly.open")}</Button>}
          </>
        }
        details={(one) => <Reasons verdict={one} rules={rules} />}
        empty={<Empty>{isRunning(run.status) ? t("retention.running") : t("retention.nothing")}</Empty>}
      />
      {asks && <Confirm title={t("retention.exactly.title")} submit={t("retention.exactly.submit")} busy={exactly.isPending} error={exactly.error} onConfirm={() => exactly.mutate()} onClose={() => setAsks(false)}><p>{t("retention.exactly.why")}</p></Confirm>}
    </>
  );
}

// Is it well, and what should I mend?
import { Button } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconRefresh, IconX, type Icon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { Finding } from "../api/schema.ts";
import { WHOLE } from "../app/search.ts";
import { systemQuery } from "../app/session.tsx";
import { useLanguage, useErrorTexts, useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Chip, type Tone } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { bytes } from "../kit/format.ts";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Quota } from "../kit/Progress.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { Fact, FactText } from "./Finding.tsx";
import { useSaid } from "./findingText.ts";

const STATES: Record<Finding["state"], [Key, Tone, Icon]> = { ok: ["health.ok", "ok", IconCheck], warning: ["health.warning", "warn", IconAlertTriangle], error: ["health.error", "danger", IconX] };
const EVERY = 10_000; // the server looks no more often

function State({ state }: { state: Finding["state"] }) {
  const t = useTranslate();
  const [word, tone, sign] = STATES[state];
  return <Chip tone={tone} icon={sign}>{t(word)}</Chip>;
}

export default function HealthPage() {
  const t = useTranslate();
  const query = useQuery({ queryKey: ["health", "findings"], refetchInterval: EVERY, queryFn: async ({ signal }) => (await call("GET /health/findings", { signal, quiet: true })).data });
  const worded = useErrorTexts();
  const said = useSaid();
  const found = worded ? query.data : undefined;
  const wrong = found?.findings.filter((one) => one.state !== "ok") ?? [];
  const rows = found && { data: found.findings, total: found.findings.length };
  const columns: Column<Finding>[] = [
    { id: "area", head: t("health.column.area"), width: "fit", cell: (one) => said(one).area },
    { id: "state", head: t("health.column.state"), width: "fit", phone: 1, cell: (one) => <State state={one.state} /> },
    { id: "text", head: t("health.column.fact"), cell: (one) => <FactText of={one} /> },
    { id: "where", head: t("health.column.where"), width: "fit", optional: true, cell: (one) => <code translate="no">{one.where}</code> },
  ];
  return (
    <Page
      title={t("health.title")} aside={found ? <State state={found.state} /> : undefined}
      actions={<Button variant="default" leftSection={<IconRefresh size={16} stroke={1.5} aria-hidden />} onClick={() => void query.refetch()} loading={query.isFetching && !query.isPending}>{t("health.again")}</Button>}
    >
      <div className="sections">
        {query.error && !found && <ProblemBox error={query.error} onRetry={() => void query.refetch()} />}
        {found && (
          <div className="stack">
            <h2>{wrong.length === 0 ? t("health.well") : t("health.mend", { count: wrong.length })}</h2>
            {wrong.map((one) => (
              <div className="panel stack" key={`${one.code} ${one.where} ${one.text}`}>
                <span className="row"><State state={one.state} /><strong>{said(one).area}</strong>{one.where && <code translate="no">{one.where}</code>}</span>
                <Fact of={one} />
              </div>
            ))}
          </div>
        )}
        <Server host={found?.host} version={found?.version} />
        <div className="stack">
          <Table id="findings" caption={t("health.all")} isHeaded columns={columns} query={{ ...query, data: rows }} list={WHOLE} whole rowKey={(one) => `${one.area} ${one.code} ${one.where} ${one.text}`} rowName={(one) => said(one).text} empty={<Empty>{t("health.none")}</Empty>} />
        </div>
      </div>
    </Page>
  );
}

/** What answers here, and how much room there is. */
function Server({ host, version }: { host: string | undefined; version: string | undefined }) {
  const t = useTranslate();
  const language = useLanguage();
  const system = useQuery(systemQuery).data;
  const volumes = useQuery({ queryKey: ["health", "volumes"], queryFn: async ({ signal }) => (await call("GET /systeminfo/volumes", { signal })).data.storage }).data ?? [];
  const parts = useQuery({ queryKey: ["health", "parts"], refetchInterval: EVERY, queryFn: async ({ signal }) => (await call("GET /health", { signal, quiet: true })).data.components }).data ?? [];
  return (
    <div className="stack">
      <h2>{t("health.server")}</h2>
      <div className="panel">
        <Facts
          rows={[
            [t("health.fact.host"), host ? <span key="h" translate="no">{host}</span> : null],
            [t("health.fact.version"), version],
            [t("health.fact.address"), system?.external_url ? <span key="a" translate="no">{system.external_url}</span> : null],
            [t("health.fact.storage"), system?.registry_storage_provider_name],
            ...volumes.map((one, index): [string, React.ReactNode] => [t("health.fact.disk"), <span key={index} className="row"><Quota used={one.total - one.free} limit={one.total} label={t("health.fact.disk")} /><span className="muted">{t("health.fact.free", { bytes: bytes(one.free, language) })}</span></span>]),
            [t("health.fact.parts"), parts.length ? <span key="p" className="row">{parts.map((one) => <Chip key={one.name} tone={one.status === "healthy" ? "ok" : "danger"} icon={one.status === "healthy" ? IconCheck : IconX} {...(one.error ? { title: one.error } : {})}>{one.name}</Chip>)}</span> : null],
          ]}
        />
      </div>
    </div>
  );
}

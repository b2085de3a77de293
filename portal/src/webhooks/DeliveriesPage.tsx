// Did the other system hear it?
import { Button, Select } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { WebhookDelivery } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useListState } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { fullTime, number, timeOf } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Copy, Count, Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { StateChip } from "../kit/Work.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { eventWord } from "./events.ts";
import { deliveriesQuery, policyQuery, webhooksChanged } from "./queries.ts";
import classes from "./webhooks.module.css";

interface Attempt {
  at: string;
  /** Of HTTP; 0: there was no answer, `error` says why. */
  status: number;
  error: string;
  request: { url: string; headers: Record<string, string>; body: string };
  response: { headers: Record<string, string>; body: string };
  milliseconds: number;
}

const attemptsOf = (one: WebhookDelivery) => one.attempts as unknown as Attempt[];

export default function DeliveriesPage() {
  const t = useTranslate();
  const { project, policy: text } = useParams({ strict: false }) as { project: string; policy: string };
  const id = Number(text);
  const may = useMay(project);
  const list = useListState({ sort: "-creation_time" });
  const policy = useQuery(policyQuery(project, id));
  const query = useQuery(deliveriesQuery(project, id, list));
  const again = useMutation({
    mutationFn: (one: WebhookDelivery) => call("POST /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/deliveries/{delivery_id}/redeliver", { path: { project_name_or_id: project, webhook_policy_id: id, delivery_id: one.id }, header: IS_NAME }),
    onSuccess: () => toast(t("webhooks.again.done")),
    onSettled: () => webhooksChanged(project),
  });
  const columns: Column<WebhookDelivery>[] = [
    { id: "time", head: t("webhooks.column.time"), width: "fit", sort: "creation_time", descends: true, cell: (one) => <Time value={one.creation_time} /> },
    { id: "event", head: t("webhooks.column.event"), width: "fit", sort: "event_type", cell: (one) => eventWord(one.event_type, t) },
    { id: "address", head: t("webhooks.column.target"), cell: (one) => <Name>{one.address}</Name> },
    { id: "status", head: t("webhooks.column.status"), width: "fit", sort: "status", cell: (one) => <span className="row"><StateChip status={one.waiting ? "Pending" : one.status} {...(one.waiting ? { title: t("webhooks.waits") } : {})} /><span className="figures small muted">{attemptsOf(one).at(-1)?.status || ""}</span></span> },
    { id: "attempts", head: t("webhooks.column.attempts"), width: "figure", cell: (one) => <Count value={one.attempts.length} /> },
    { id: "took", head: t("webhooks.column.took"), width: "figure", phone: 0, cell: (one) => <Took attempt={attemptsOf(one).at(-1)} /> },
  ];
  if (policy.error && !policy.data) return <ProblemBox error={policy.error} onRetry={() => void policy.refetch()} />;
  return (
    <div className="stack">
      <div className="row"><Link to={`${places.project(project)}/webhooks`}>{t("webhooks.title")}</Link><span className="muted" aria-hidden>/</span><h2><Name>{policy.data?.name ?? ""}</Name></h2></div>
      {again.error && <ProblemBox error={again.error} />}
      <Table
        id="deliveries" caption={t("webhooks.deliveries", { name: policy.data?.name ?? "" })} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => `${eventWord(one.event_type, t)} ${one.id}`}
        tools={
          <Select
            aria-label={t("webhooks.column.status")} w={170} allowDeselect={false} value={list.filters["status"] ?? "all"} onChange={(value) => list.set({ filters: { status: value === "all" ? undefined : (value ?? undefined) } })}
            data={[{ value: "all", label: t("webhooks.allStates") }, { value: "Error", label: t("work.failed") }, { value: "Success", label: t("work.done") }, { value: "Running", label: t("work.running") }]}
          />
        }
        details={(one) => <Details delivery={one} {...(may("notification-policy:update") && one.address ? { onAgain: () => again.mutate(one) } : {})} busy={again.isPending} />}
        empty={<Empty>{t("webhooks.noDelivery")}</Empty>}
      />
    </div>
  );
}

function Took({ attempt }: { attempt: Attempt | undefined }) {
  const language = useLanguage();
  if (attempt === undefined) return <span className="muted">–</span>;
  return <span className="figures">{new Intl.NumberFormat(language, { style: "unit", unit: "millisecond" }).format(attempt.milliseconds)}</span>;
}

/** Each attempt with what was sent and what came back, the last one first. */
function Details({ delivery, onAgain, busy }: { delivery: WebhookDelivery; onAgain?: () => void; busy: boolean }) {
  const t = useTranslate();
  const language = useLanguage();
  const attempts = attemptsOf(delivery);
  return (
    <div className="stack">
      <div className="row">
        <span className="muted">{t("webhooks.eventId")}</span><code translate="no">{delivery.event_id}</code><Copy text={delivery.event_id} label={t("webhooks.copyEventId")} />
        <span className="grow" />
        {onAgain && <Button size="xs" variant="default" leftSection={<IconRefresh size={16} stroke={1.5} aria-hidden />} loading={busy} onClick={onAgain}>{t("webhooks.again.open")}</Button>}
      </div>
      {attempts.length === 0 && <p className="muted">{delivery.waiting ? t("webhooks.waits") : t("webhooks.noAttempt")}</p>}
      {[...attempts].reverse().map((one, index) => (
        <details key={one.at} className={classes["attempt"]} open={index === 0}>
          <summary>{t("webhooks.attempt", { n: number(attempts.length - index, language), time: fullTime(timeOf(one.at) ?? new Date(0), language) })}</summary>
          <div className="stack">
            <Facts rows={[[t("webhooks.column.status"), one.status ? String(one.status) : null], [t("webhooks.error"), one.error], [t("webhooks.column.took"), <Took key="took" attempt={one} />]]} />
            <Message label={t("webhooks.request")} first={`POST ${one.request.url}`} headers={one.request.headers} body={one.request.body} />
            {one.status > 0 && <Message label={t("webhooks.response")} first={String(one.status)} headers={one.response.headers} body={one.response.body} />}
          </div>
        </details>
      ))}
    </div>
  );
}

function Message({ label, first, headers, body }: { label: string; first: string; headers: Record<string, string>; body: string }) {
  const text = [first, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), "", pretty(body)].join("\n");
  return (
    <section aria-label={label}>
      <div className="row"><span className="strong">{label}</span></div>
      <pre className={classes["message"]} tabIndex={0} role="group" aria-label={label} translate="no">{text}</pre>
    </section>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

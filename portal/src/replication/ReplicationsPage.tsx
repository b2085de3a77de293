// Are the copies up to date?
import { Button, Menu } from "@mantine/core";
import { IconArrowLeft, IconArrowRight } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { ReplicationPolicy } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Final } from "../kit/ConfirmByName.tsx";
import { useReopen } from "../kit/formStorage.ts";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { StateChip } from "../kit/Work.tsx";
import { PolicyForm } from "./PolicyForm.tsx";
import { isPull, otherOf, policiesQuery, replicationsChanged, runPath, start } from "./queries.ts";
import { useTrigger } from "./trigger.ts";

export default function ReplicationsPage() {
  const t = useTranslate();
  const navigate = useNavigate();
  const trigger = useTrigger();
  const list = useListState({ sort: "name" });
  const query = useQuery(policiesQuery(list));
  const [asks, setAsks] = useState<{ what: "new" } | { what: "edit" | "delete"; policy: ReplicationPolicy } | null>(null);
  useReopen("replication", (which) => {
    const found = query.data?.data.find((one) => String(one.id) === which);
    if (which === "new") setAsks({ what: "new" });
    else if (found) setAsks({ what: "edit", policy: found });
    return which === "new" || query.data !== undefined;
  });
  const run = useMutation({ mutationFn: (policy: number) => start(policy), onSuccess: (id, policy) => navigate({ to: runPath(policy, id) }) });
  const able = useMutation({ mutationFn: (one: ReplicationPolicy) => call("PUT /replication/policies/{id}", { path: { id: one.id ?? 0 }, body: { enabled: !one.enabled } }), onSuccess: replicationsChanged });
  const columns: Column<ReplicationPolicy>[] = [
    { id: "name", head: t("replications.column.name"), sort: "name", cell: (one) => <span className="row"><Link to={`/admin/replications/${one.id}`}><Name>{one.name ?? ""}</Name></Link>{!one.enabled && <Chip>{t("replications.disabled")}</Chip>}</span> },
    { id: "where", head: t("replications.column.where"), cell: (one) => <Where policy={one} /> },
    { id: "last", head: t("replications.column.last"), phone: 2, cell: (one) => <LastRun policy={one} /> },
    { id: "trigger", head: t("replications.column.trigger"), width: "fit", phone: 1, cell: trigger },
    { id: "changed", head: t("replications.column.changed"), width: "fit", sort: "update_time", descends: true, phone: 0, cell: (one) => <Time value={one.update_time} /> },
  ];
  const make = <Button onClick={() => setAsks({ what: "new" })}>{t("replications.new.action")}</Button>;
  const error = run.error ?? able.error;
  return (
    <Page title={t("replications.title")} actions={make}>
      {error && <ProblemBox error={error} />}
      <Table
        id="replications" caption={t("replications.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.name ?? ""} filterLabel={t("replications.filter")} empty={<Empty action={make}>{t("replications.empty")}</Empty>}
        menu={(one) => (
          <>
            {one.enabled && <Menu.Item onClick={() => run.mutate(one.id ?? 0)}>{t("replications.run")}</Menu.Item>}
            <Menu.Item onClick={() => setAsks({ what: "edit", policy: one })}>{t("replications.edit.open")}</Menu.Item>
            <Menu.Item onClick={() => able.mutate(one)}>{one.enabled ? t("replications.disable") : t("replications.enable")}</Menu.Item>
            <Menu.Divider />
            <Menu.Item className="danger" onClick={() => setAsks({ what: "delete", policy: one })}>{t("replications.delete.open")}</Menu.Item>
          </>
        )}
      />
      {asks?.what === "new" && <PolicyForm onClose={() => setAsks(null)} />}
      {asks?.what === "edit" && <PolicyForm policy={asks.policy} onClose={() => setAsks(null)} />}
      {asks?.what === "delete" && <DeletePolicy policy={asks.policy} onClose={() => setAsks(null)} />}
    </Page>
  );
}

/** How the newest run went; what failed in it is a press away. */
function LastRun({ policy: { id, last_execution: run } }: { policy: ReplicationPolicy }) {
  const t = useTranslate();
  if (!run) return <Time value={null} />;
  return (
    <span className="row">
      <StateChip status={run.status} {...(run.status_text ? { title: run.status_text } : {})} />
      <Link to={runPath(id ?? 0, run.id)}><Time value={run.start_time} /></Link>
      {run.failed > 0 && <span className="muted">{t("replications.counts.failedOf", { count: run.failed, total: run.total })}</span>}
    </span>
  );
}

/** From where to where. */
export function Where({ policy }: { policy: ReplicationPolicy }) {
  const t = useTranslate();
  const pull = isPull(policy);
  const Sign = pull ? IconArrowLeft : IconArrowRight;
  return <span className="row"><span className="muted">{t("replications.here")}</span><Sign size={16} stroke={1.5} role="img" aria-label={pull ? t("replications.pulls") : t("replications.pushes")} /><Name>{otherOf(policy)?.name ?? ""}</Name></span>;
}

function DeletePolicy({ policy, onClose }: { policy: ReplicationPolicy; onClose: () => void }) {
  const t = useTranslate();
  const name = policy.name ?? "";
  const remove = useMutation({ mutationFn: () => call("DELETE /replication/policies/{id}", { path: { id: policy.id ?? 0 } }), onSuccess: async () => { await replicationsChanged(); onClose(); } });
  return (
    <Final title={t("replications.delete.title", { name })} submit={t("replications.delete.submit")} name={name} busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate()} onClose={onClose}>
      <p>{t("replications.delete.what")}</p>
    </Final>
  );
}

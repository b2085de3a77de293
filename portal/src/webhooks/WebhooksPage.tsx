// Who is told of what happens here?
import { Button, Menu, Switch } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { WebhookPolicy } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useListState } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Confirm } from "../kit/Confirm.tsx";
import { Empty } from "../kit/Empty.tsx";
import { listed } from "../kit/format.ts";
import { useReopen } from "../kit/formStorage.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { StateChip } from "../kit/Work.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { eventWord } from "./events.ts";
import { failingQuery, lastQuery, policiesQuery, webhooksChanged } from "./queries.ts";
import { SigningKey } from "./SigningKey.tsx";
import { WebhookForm } from "./WebhookForm.tsx";

export default function WebhooksPage() {
  const t = useTranslate();
  const language = useLanguage();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const list = useListState();
  const query = useQuery(policiesQuery(project, list));
  const last = useQuery(lastQuery(project)).data;
  const failing = new Set(useQuery(failingQuery(project)).data?.map((one) => one.id));
  const [shown, setShown] = useState<WebhookPolicy | "new" | null>(null);
  useReopen(`webhook/${project}`, (which) => {
    const found = which === "new" ? which : query.data?.data.find((one) => String(one.id) === which);
    if (found) setShown(found);
    return found !== undefined || query.data !== undefined;
  });
  const [goes, setGoes] = useState<WebhookPolicy | null>(null);
  const [signs, setSigns] = useState<WebhookPolicy | null>(null);
  const pathOf = (one: WebhookPolicy) => ({ project_name_or_id: project, webhook_policy_id: one.id ?? 0 });
  const turn = useMutation({
    mutationFn: (one: WebhookPolicy) => call("PUT /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}", { path: pathOf(one), body: { enabled: !one.enabled }, header: IS_NAME }),
    onSettled: () => webhooksChanged(project),
  });
  const remove = useMutation({
    mutationFn: (one: WebhookPolicy) => call("DELETE /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}", { path: pathOf(one), header: IS_NAME }),
    onSuccess: (_, one) => {
      toast(t("webhooks.delete.done", { name: one.name ?? "" }));
      setGoes(null);
    },
    onSettled: () => webhooksChanged(project),
  });
  const mayChange = may("notification-policy:update");
  const columns: Column<WebhookPolicy>[] = [
    { id: "name", head: t("webhooks.column.name"), cell: (one) => <Link to={`${places.project(project)}/webhooks/${one.id}`}><Name>{one.name ?? ""}</Name></Link> },
    { id: "target", head: t("webhooks.column.target"), cell: (one) => <Targets policy={one} /> },
    { id: "events", head: t("webhooks.column.events"), cell: (one) => listed((one.event_types ?? []).map((type) => eventWord(type, t)), language) },
    { id: "last", head: t("webhooks.column.last"), width: "fit", cell: (one) => <span className="row"><Time value={last?.get(one.name ?? "")} />{failing.has(one.id ?? 0) && <StateChip status="Error" />}</span> },
    {
      id: "enabled", head: t("webhooks.column.enabled"), width: "fit",
      cell: (one) => (mayChange ? <Switch size="xs" aria-label={t("webhooks.enabledOf", { name: one.name ?? "" })} checked={one.enabled ?? false} onChange={() => turn.mutate(one)} /> : one.enabled ? t("webhooks.on") : t("webhooks.off")),
    },
  ];
  return (
    <div className="stack">
      {turn.error && <ProblemBox error={turn.error} />}
      <Table
        id="webhooks" caption={t("webhooks.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.name ?? ""}
        tools={may("notification-policy:create") ? <Button size="xs" onClick={() => setShown("new")}>{t("webhooks.new.open")}</Button> : undefined}
        {...(mayChange ? {
          menu: (one: WebhookPolicy) => (
            <>
              <Menu.Item onClick={() => setShown(one)}>{t("webhooks.edit.open")}</Menu.Item>
              <Menu.Item onClick={() => setSigns(one)}>{one.signed ? t("webhooks.key.renew") : t("webhooks.key.open")}</Menu.Item>
              {may("notification-policy:delete") && <><Menu.Divider /><Menu.Item className="danger" onClick={() => setGoes(one)}>{t("webhooks.delete.open")}</Menu.Item></>}
            </>
          ),
        } : {})}
        empty={<Empty>{t("webhooks.empty")}</Empty>}
      />
      {shown !== null && <WebhookForm project={project} policy={shown === "new" ? null : shown} onClose={() => setShown(null)} />}
      {signs && <SigningKey project={project} policy={signs} onClose={() => setSigns(null)} />}
      {goes && (
        <Confirm title={t("webhooks.delete.title", { name: goes.name ?? "" })} submit={t("webhooks.delete.submit")} name={goes.name ?? ""} busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(goes)} onClose={() => { setGoes(null); remove.reset(); }}>
          <p>{t("webhooks.delete.why")}</p>
        </Confirm>
      )}
    </div>
  );
}

function Targets({ policy }: { policy: WebhookPolicy }) {
  const t = useTranslate();
  const [first, ...others] = policy.targets ?? [];
  return (
    <span className="row">
      <Name>{first?.address ?? ""}</Name>
      {others.length > 0 && <span className="muted small" title={others.map((one) => one.address).join("\n")}>+{others.length}</span>}
      {policy.signed && <Chip>{t("webhooks.signed")}</Chip>}
    </span>
  );
}

// Which other registries do we talk to, and do they answer?
import { Button, Menu } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Registry } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Facts } from "../kit/Facts.tsx";
import { Final } from "../kit/ConfirmByName.tsx";
import { useReopen } from "../kit/formStorage.ts";
import { Page } from "../kit/Page.tsx";
import { Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { kindsQuery, registriesChanged, registriesQuery } from "./queries.ts";
import { RegistryForm } from "./RegistryForm.tsx";

export default function RegistriesPage() {
  const t = useTranslate();
  const list = useListState({ sort: "name" });
  const query = useQuery(registriesQuery(list));
  const kinds = useQuery(kindsQuery).data ?? {};
  const [asks, setAsks] = useState<{ what: "new" } | { what: "edit" | "delete"; registry: Registry } | null>(null);
  useReopen("registry", (which) => {
    const found = query.data?.data.find((one) => String(one.id) === which);
    if (which === "new") setAsks({ what: "new" });
    else if (found) setAsks({ what: "edit", registry: found });
    return which === "new" || query.data !== undefined;
  });
  const columns: Column<Registry>[] = [
    { id: "name", head: t("registries.column.name"), sort: "name", cell: (one) => <Name>{one.name ?? ""}</Name> },
    { id: "health", head: t("registries.column.health"), width: "fit", sort: "status", phone: 1, cell: (one) => (one.status === "healthy" ? <Chip tone="ok" icon={IconCheck}>{one.latency == null ? t("registries.answers") : t("registries.tested", { ms: one.latency })}</Chip> : <Chip tone="danger" icon={IconAlertTriangle} {...(one.status_reason ? { title: one.status_reason } : {})}>{t("registries.silent")}</Chip>) },
    { id: "url", head: t("registries.column.url"), sort: "url", cell: (one) => <Name>{one.url ?? ""}</Name> },
    { id: "kind", head: t("registries.column.kind"), width: "fit", sort: "type", cell: (one) => kinds[one.type ?? ""]?.label ?? one.type ?? "" },
    { id: "since", head: t("registries.column.since"), width: "fit", cell: (one) => <Time value={one.status_time} /> },
    { id: "changed", head: t("registries.column.changed"), width: "fit", sort: "update_time", descends: true, optional: true, cell: (one) => <Time value={one.update_time} /> },
  ];
  const make = <Button onClick={() => setAsks({ what: "new" })}>{t("registries.new.action")}</Button>;
  return (
    <Page title={t("registries.title")} actions={make}>
      <Table
        id="registries" caption={t("registries.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.name ?? ""} filterLabel={t("registries.filter")} empty={<Empty action={make}>{t("registries.empty")}</Empty>}
        details={(one) => (
          <Facts
            rows={[
              [t("registries.reason"), one.status_reason ? <bdi key="r" lang="en">{one.status_reason}</bdi> : null],
              [t("registries.field.description"), one.description ? <bdi key="d">{one.description}</bdi> : null],
              [t("registries.field.key"), one.credential?.access_key ? <Name>{one.credential.access_key}</Name> : t("registries.anonymous")],
              [t("registries.field.insecure"), one.insecure ? t("registries.yes") : null],
              [t("registries.field.ca"), one.ca_certificate ? t("registries.yes") : null],
            ]}
          />
        )}
        menu={(one) => (
          <>
            <Menu.Item onClick={() => setAsks({ what: "edit", registry: one })}>{t("registries.edit.open")}</Menu.Item>
            <Menu.Divider />
            <Menu.Item className="danger" onClick={() => setAsks({ what: "delete", registry: one })}>{t("registries.delete.open")}</Menu.Item>
          </>
        )}
      />
      {asks?.what === "new" && <RegistryForm onClose={() => setAsks(null)} />}
      {asks?.what === "edit" && <RegistryForm registry={asks.registry} onClose={() => setAsks(null)} />}
      {asks?.what === "delete" && <DeleteRegistry registry={asks.registry} onClose={() => setAsks(null)} />}
    </Page>
  );
}

function DeleteRegistry({ registry, onClose }: { registry: Registry; onClose: () => void }) {
  const t = useTranslate();
  const name = registry.name ?? "";
  const remove = useMutation({ mutationFn: () => call("DELETE /registries/{id}", { path: { id: registry.id ?? 0 } }), onSuccess: async () => { await registriesChanged(); onClose(); } });
  return (
    <Final title={t("registries.delete.title", { name })} submit={t("registries.delete.submit")} name={name} busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate()} onClose={onClose}>
      <p>{t("registries.delete.what")}</p>
    </Final>
  );
}

// Which groups of the directory, the provider or the proxy are known here?
import { Button, Menu, Select } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { UserGroup } from "../api/schema.ts";
import { contractQuery, useListState } from "../app/search.ts";
import { capabilitiesQuery, queries } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { Empty } from "../kit/Empty.tsx";
import { SelectField, TextField } from "../kit/Field.tsx";
import { Final } from "../kit/ConfirmByName.tsx";
import { Page } from "../kit/Page.tsx";
import { DirectoryGroup } from "./DirectoryGroup.tsx";
import { Name } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";

const LDAP = 1;
const KINDS: Record<string, Key> = { 1: "groups.kind.ldap", 2: "groups.kind.header", 3: "groups.kind.oidc" };
const groupsChanged = () => queries.invalidateQueries({ queryKey: ["groups"] });

export default function GroupsPage() {
  const t = useTranslate();
  const list = useListState({ sort: "group_name" });
  const [asks, setAsks] = useState<{ what: "new" } | { what: "rename" | "delete"; group: UserGroup } | null>(null);
  const query = useQuery({
    queryKey: ["groups", list.q, list.sort, list.page, list.size, list.filters],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ group_name: list.q && `~${list.q}`, group_type: list.filters["kind"] });
      const { data, total } = await call("GET /usergroups", { query: { ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });
  const columns: Column<UserGroup>[] = [
    { id: "name", head: t("groups.column.name"), sort: "group_name", cell: (one) => <Name>{one.group_name ?? ""}</Name> },
    { id: "kind", head: t("groups.column.kind"), width: "fit", sort: "group_type", phone: 1, cell: (one) => { const key = KINDS[one.group_type ?? 0]; return key ? t(key) : "–"; } },
    { id: "dn", head: t("groups.column.dn"), cell: (one) => (one.ldap_group_dn ? <Name mono>{one.ldap_group_dn}</Name> : <span className="muted">–</span>) },
  ];
  return (
    <Page title={t("groups.title")} actions={<Button onClick={() => setAsks({ what: "new" })}>{t("groups.new.action")}</Button>}>
      <Table
        id="groups" caption={t("groups.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.group_name ?? ""} filterLabel={t("groups.filter")}
        tools={<Select aria-label={t("groups.column.kind")} w={190} allowDeselect={false} value={list.filters["kind"] ?? "all"} onChange={(value) => list.set({ filters: { kind: value === "all" ? undefined : (value ?? undefined) } })} data={[{ value: "all", label: t("groups.anyKind") }, ...Object.entries(KINDS).map(([value, key]) => ({ value, label: t(key) }))]} />}
        menu={(one) => (
          <>
            <Menu.Item onClick={() => setAsks({ what: "rename", group: one })}>{t("groups.rename.open")}</Menu.Item>
            <Menu.Divider />
            <Menu.Item className="danger" onClick={() => setAsks({ what: "delete", group: one })}>{t("groups.delete.open")}</Menu.Item>
          </>
        )}
        empty={<Empty>{t("groups.empty")}</Empty>}
      />
      {asks?.what === "new" && <NewGroup onClose={() => setAsks(null)} />}
      {asks?.what === "rename" && <RenameGroup group={asks.group} onClose={() => setAsks(null)} />}
      {asks?.what === "delete" && <DeleteGroup group={asks.group} onClose={() => setAsks(null)} />}
    </Page>
  );
}

function NewGroup({ onClose }: { onClose: () => void }) {
  const t = useTranslate();
  const [one, setOne] = useState({ name: "", kind: String(LDAP), dn: "" });
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const isLdap = one.kind === String(LDAP);
  const hasDirectory = useQuery(capabilitiesQuery).data?.sign_in.includes("ldap") ?? false;
  const make = useMutation({
    mutationFn: () => call("POST /usergroups", { body: { group_name: one.name, group_type: Number(one.kind), ...(isLdap ? { ldap_group_dn: one.dn } : {}) } }),
    onSuccess: async () => { await groupsChanged(); onClose(); },
  });
  const send = () => {
    const found = { ...(one.name.trim() === "" ? { name: t("groups.new.nameMissing") } : {}), ...(isLdap && one.dn.trim() === "" ? { dn: t("groups.new.dnMissing") } : {}) };
    setWrong(found);
    if (Object.keys(found).length === 0) make.mutate();
  };
  return (
    <Dialog title={t("groups.new.title")} opened onClose={onClose} dirty={(one.name !== "" || one.dn !== "") && !make.isSuccess}>
      <DialogForm submit={t("groups.new.submit")} onSubmit={send} onCancel={onClose} busy={make.isPending} error={make.error}>
        <SelectField label={t("groups.column.kind")} value={one.kind} data={Object.entries(KINDS).map(([value, key]) => ({ value, label: t(key) }))} onChange={(kind) => { setOne({ ...one, kind: String(kind) }); setWrong({}); }} />
        {isLdap && hasDirectory && <DirectoryGroup onChoose={(group) => { setOne({ ...one, name: group.group_name, dn: group.ldap_group_dn }); setWrong({}); }} />}
        {isLdap && <TextField label={t("groups.column.dn")} description={t("groups.new.dnHint")} value={one.dn} error={wrong["dn"]} onChange={(event) => { setOne({ ...one, dn: event.currentTarget.value }); setWrong({}); }} />}
        <TextField label={t("groups.column.name")} description={isLdap ? t("groups.new.nameHint") : t("groups.new.exactHint")} value={one.name} error={wrong["name"]} maxLength={255} onChange={(event) => { setOne({ ...one, name: event.currentTarget.value }); setWrong({}); }} />
      </DialogForm>
    </Dialog>
  );
}

function RenameGroup({ group, onClose }: { group: UserGroup; onClose: () => void }) {
  const t = useTranslate();
  const [name, setName] = useState(group.group_name ?? "");
  const save = useMutation({ mutationFn: () => call("PUT /usergroups/{group_id}", { path: { group_id: group.id ?? 0 }, body: { group_name: name } }), onSuccess: async () => { await groupsChanged(); onClose(); } });
  return (
    <Dialog title={t("groups.rename.title", { name: group.group_name ?? "" })} opened onClose={onClose} dirty={name !== group.group_name && !save.isSuccess}>
      <DialogForm submit={t("groups.rename.submit")} onSubmit={() => save.mutate()} onCancel={onClose} busy={save.isPending} error={save.error}>
        <TextField label={t("groups.column.name")} value={name} data-autofocus maxLength={255} onChange={(event) => setName(event.currentTarget.value)} />
      </DialogForm>
    </Dialog>
  );
}

function DeleteGroup({ group, onClose }: { group: UserGroup; onClose: () => void }) {
  const t = useTranslate();
  const name = group.group_name ?? "";
  const remove = useMutation({ mutationFn: () => call("DELETE /usergroups/{group_id}", { path: { group_id: group.id ?? 0 } }), onSuccess: async () => { await groupsChanged(); onClose(); } });
  return (
    <Final title={t("groups.delete.title", { name })} submit={t("groups.delete.submit")} name={name} busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate()} onClose={onClose}>
      <p>{t("groups.delete.what")}</p>
    </Final>
  );
}

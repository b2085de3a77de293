// Who is near the limit? Limits are changed where they stand.
import { Button, NumberInput } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Quota as QuotaOut } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { contractQuery, useListState } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { bytes, number } from "../kit/format.ts";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Quota } from "../kit/Progress.tsx";
import { Bytes, Count, Name } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { limitOf, shownLimit } from "./limit.ts";

export default function QuotasPage() {
  const t = useTranslate();
  const list = useListState({ sort: "-used.storage" });
  const [edited, setEdited] = useState<number | null>(null);
  const query = useQuery({
    queryKey: ["projects", "quotas", "page", list.q, list.sort, list.page, list.size],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ "ref.name": list.q && `~${list.q}` });
      const { data, total } = await call("GET /quotas", { query: { ...(q ? { q } : {}), sort: list.sort, page: list.page, page_size: list.size }, signal });
      return { data, total };
    },
  });
  const columns: Column<QuotaOut>[] = [
    { id: "project", head: t("quotas.column.project"), sort: "ref.name", cell: (one) => <Link to={places.project(one.ref.name)}><Name>{one.ref.name}</Name></Link> },
    { id: "used", head: t("quotas.column.used"), sort: "used.storage", descends: true, cell: (one) => <Quota used={one.used["storage"] ?? 0} limit={one.hard["storage"] ?? -1} label={t("quotas.of", { name: one.ref.name })} /> },
    { id: "trash", head: t("quotas.column.trash"), width: "figure", phone: 0, cell: (one) => <Bytes value={one.trash} /> },
    { id: "repositories", head: t("quotas.column.repositories"), width: "figure", sort: "used.repositories", descends: true, phone: 0, cell: (one) => <Of used={one.used["repositories"]} limit={one.hard["repositories"]} /> },
    { id: "tags", head: t("quotas.column.tags"), width: "figure", phone: 0, optional: true, cell: (one) => <Of used={one.used["tags"]} limit={one.hard["tags"]} /> },
    { id: "limit", head: t("quotas.column.limit"), width: "fit", sort: "hard.storage", descends: true, cell: (one) => (edited === one.id ? <Limit quota={one} onDone={() => setEdited(null)} /> : <Shown quota={one} onEdit={() => setEdited(one.id)} />) },
    { id: "owner", head: t("quotas.column.owner"), width: "fit", optional: true, cell: (one) => <Name>{one.ref.owner_name}</Name> },
  ];
  return (
    <Page title={t("quotas.title")}>
      <Table id="quotas" caption={t("quotas.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => one.ref.name} filterLabel={t("quotas.filter")} empty={<Empty>{t("quotas.empty")}</Empty>} />
    </Page>
  );
}

function Of({ used, limit }: { used: number | undefined; limit: number | undefined }) {
  const t = useTranslate();
  const language = useLanguage();
  if (used === undefined || limit === undefined || limit < 0) return <Count value={used} />;
  return <span className="figures">{t("work.of", { done: number(used, language), total: number(limit, language) })}</span>;
}

function Shown({ quota, onEdit }: { quota: QuotaOut; onEdit: () => void }) {
  const t = useTranslate();
  const language = useLanguage();
  const limit = quota.hard["storage"] ?? -1;
  return <span className="row"><span className="figures">{limit < 0 ? t("quotas.none") : bytes(limit, language)}</span><Button size="xs" variant="subtle" aria-label={t("quotas.editOf", { name: quota.ref.name })} onClick={onEdit}>{t("quotas.edit")}</Button></span>;
}

/** The field in the row: empty is no limit; Enter saves, Escape leaves it as it was. */
function Limit({ quota, onDone }: { quota: QuotaOut; onDone: () => void }) {
  const t = useTranslate();
  const [text, setText] = useState(shownLimit(quota.hard["storage"] ?? -1));
  const save = useMutation({
    mutationFn: () => call("PUT /quotas/{id}", { path: { id: quota.id }, body: { hard: { storage: limitOf(text) } } }),
    onSuccess: async () => { await queries.invalidateQueries({ queryKey: ["projects"] }); void queries.invalidateQueries({ queryKey: ["project", quota.ref.name] }); onDone(); },
  });
  return (
    <form
      className="stack" noValidate onSubmit={(event) => { event.preventDefault(); if (!save.isPending) save.mutate(); }}
      onKeyDown={(event) => { if (event.key === "Escape") { event.stopPropagation(); onDone(); } }}
    >
      <span className="row">
        <NumberInput aria-label={t("quotas.limitOf", { name: quota.ref.name })} placeholder={t("quotas.none")} value={text} onChange={(value) => setText(String(value))} min={0} decimalScale={2} suffix=" GiB" hideControls w={120} autoFocus />
        <Button size="xs" type="submit" loading={save.isPending}>{t("quotas.save")}</Button>
        <Button size="xs" variant="subtle" onClick={onDone}>{t("kit.dialog.cancel")}</Button>
      </span>
      {save.error && <ProblemBox error={save.error} />}
    </form>
  );
}

// Labels as a table, to make, change and delete: of a project or of the whole server.
import { Button, Menu } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { call } from "../api/client.ts";
import type { Label, ListedLabel } from "../api/schema.ts";
import type { ListState } from "../app/search.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { Final } from "../kit/ConfirmByName.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Count, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table, type Listed } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { LabelForm } from "./LabelForm.tsx";
import { LabelChip } from "./LabelChip.tsx";
import { labelsChanged, type Owner } from "./queries.ts";

/**
 * `owner`: whose they are, a project's or the server's (null). `may`: what can be done with them, as `label:create`. `frame`: a page
 * that has the button for a new one in its head; without it the button stands above the list.
 */
export function LabelList({ owner, query, list, may, empty, frame }: { owner: Owner | null; query: Listed<ListedLabel>; list: ListState; may: (permission: string) => boolean; empty: string; frame?: (open: ReactNode, body: ReactNode) => ReactNode }) {
  const t = useTranslate();
  const [shown, setShown] = useState<Label | "new" | null>(null);
  const [going, setGoing] = useState<ListedLabel | null>(null);
  const remove = useMutation({
    mutationFn: (label: ListedLabel) => call("DELETE /labels/{label_id}", { path: { label_id: label.id ?? 0 } }),
    onSuccess: (_, label) => {
      setGoing(null);
      toast(t("labels.removed", { name: label.name ?? "" }), isUsed(label) ? undefined : { label: t("kit.undo"), run: () => remake.mutate(label) });
    },
    onSettled: () => labelsChanged(owner),
  });
  const remake = useMutation({
    mutationFn: ({ name = null, description = null, color = null, scope = null, project_id = null }: ListedLabel) => call("POST /labels", { body: { name, description, color, scope, project_id } }),
    onSettled: () => labelsChanged(owner),
  });
  const failed = (going === null ? remove.error : null) ?? remake.error;
  const columns: Column<ListedLabel>[] = [
    { id: "name", head: t("labels.column.name"), width: "fit", sort: "name", cell: (one) => <LabelChip label={one} /> },
    { id: "about", head: t("labels.column.about"), cell: (one) => <bdi>{one.description}</bdi> },
    ...(query.data?.data.some((one) => one.artifact_count !== undefined) ? [{ id: "used", head: t("labels.column.used"), width: "figure" as const, cell: (one: ListedLabel) => <Count value={one.artifact_count} /> }] : []),
    { id: "created", head: t("labels.column.created"), width: "fit", sort: "creation_time", descends: true, phone: 1, cell: (one) => <Time value={one.creation_time} /> },
  ];
  const open = may("label:create") ? <Button {...(frame ? {} : { size: "xs" })} onClick={() => setShown("new")}>{t("labels.new.open")}</Button> : undefined;
  const body = (
    <div className="stack">
      {failed && <ProblemBox error={failed} />}
      <Table
        id="labels" caption={t("labels.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.name ?? ""} filterLabel={t("labels.filter")} tools={frame ? undefined : open}
        menu={(one) => (
          <>
            {may("label:update") && <Menu.Item onClick={() => setShown(one)}>{t("labels.edit.open")}</Menu.Item>}
            {may("label:update") && may("label:delete") && <Menu.Divider />}
            {may("label:delete") && <Menu.Item className="danger" onClick={() => (isUsed(one) ? setGoing(one) : remove.mutate(one))}>{isUsed(one) ? t("labels.delete.open") : t("labels.remove")}</Menu.Item>}
          </>
        )}
        empty={<Empty>{empty}</Empty>}
      />
      {shown !== null && <LabelForm owner={owner} label={shown === "new" ? null : shown} onClose={() => setShown(null)} />}
      {going && (
        <Final title={t("labels.delete.title", { name: going.name ?? "" })} submit={t("labels.remove")} name={going.name ?? ""} busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(going)} onClose={() => { setGoing(null); remove.reset(); }}>
          {going.artifact_count !== undefined && <p>{t("labels.delete.used", { count: going.artifact_count ?? 0 })}</p>}
        </Final>
      )}
    </div>
  );
  return frame ? frame(open, body) : body;
}

/** What no artifact carries can be made again as it was; what some carry would not come back to them. */
const isUsed = (label: ListedLabel): boolean => label.artifact_count !== 0;

// Labels as a table, to make, change and delete: of a project or of the whole server.
import { Button, Menu } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Label } from "../api/schema.ts";
import type { ListState } from "../app/search.ts";
import { useWords } from "../app/words.ts";
import { Empty } from "../kit/Empty.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Time } from "../kit/show.tsx";
import { Table, type Column, type Listed } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { LabelForm } from "./LabelForm.tsx";
import { LabelChip } from "./LabelChip.tsx";
import { labelsChanged, type Owner } from "./queries.ts";

/** `owner`: whose they are, a project's or the server's (null). `may`: what can be done with them, as `label:create`. */
export function LabelList({ owner, query, list, may, empty }: { owner: Owner | null; query: Listed<Label>; list: ListState; may: (permission: string) => boolean; empty: string }) {
  const t = useWords();
  const [shown, setShown] = useState<Label | "new" | null>(null);
  const remove = useMutation({
    mutationFn: (label: Label) => call("DELETE /labels/{label_id}", { path: { label_id: label.id ?? 0 } }),
    onSuccess: (_, label) => toast(t("labels.removed", { name: label.name ?? "" })),
    onSettled: () => labelsChanged(owner),
  });
  const columns: Column<Label>[] = [
    { id: "name", head: t("labels.column.name"), width: "fit", sort: "name", cell: (one) => <LabelChip label={one} /> },
    { id: "about", head: t("labels.column.about"), cell: (one) => <bdi>{one.description}</bdi> },
    { id: "created", head: t("labels.column.created"), width: "fit", sort: "creation_time", descends: true, phone: 1, cell: (one) => <Time value={one.creation_time} /> },
  ];
  const open = may("label:create") ? <Button size="xs" onClick={() => setShown("new")}>{t("labels.new.open")}</Button> : undefined;
  return (
    <div className="stack">
      {remove.error && <ProblemBox error={remove.error} />}
      <Table
        id="labels" caption={t("labels.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.name ?? ""} filterLabel={t("labels.filter")} tools={open}
        menu={(one) => (
          <>
            {may("label:update") && <Menu.Item onClick={() => setShown(one)}>{t("labels.edit.open")}</Menu.Item>}
            {may("label:delete") && <Menu.Item className="danger" onClick={() => remove.mutate(one)}>{t("labels.remove")}</Menu.Item>}
          </>
        )}
        empty={<Empty>{empty}</Empty>}
      />
      {shown !== null && <LabelForm owner={owner} label={shown === "new" ? null : shown} onClose={() => setShown(null)} />}
    </div>
  );
}

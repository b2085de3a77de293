// Which labels exist, and what they look like?
import { Button, Menu } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Label } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useWords } from "../app/words.ts";
import { Empty } from "../kit/Empty.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Time } from "../kit/show.tsx";
import { Table, type Column } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { projectQuery } from "../projects/queries.ts";
import { LabelForm } from "./LabelForm.tsx";
import { LabelChip } from "./LabelChip.tsx";
import { labelsChanged, labelsQuery } from "./queries.ts";

export default function LabelsPage() {
  const t = useWords();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const id = useQuery(projectQuery(project)).data?.project_id;
  const list = useListState({ sort: "name" });
  const query = useQuery(labelsQuery(project, id, list));
  const [shown, setShown] = useState<Label | "new" | null>(null);
  const remove = useMutation({
    mutationFn: (label: Label) => call("DELETE /labels/{label_id}", { path: { label_id: label.id ?? 0 } }),
    onSuccess: (_, label) => toast(t("labels.removed", { name: label.name ?? "" })),
    onSettled: () => labelsChanged(project),
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
        empty={<Empty>{t("labels.empty")}</Empty>}
      />
      {shown !== null && id !== undefined && <LabelForm project={project} projectId={id} label={shown === "new" ? null : shown} onClose={() => setShown(null)} />}
    </div>
  );
}

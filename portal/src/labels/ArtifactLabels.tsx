// The labels of an artifact, to put on and to take off.
import { useMutation } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Label } from "../api/schema.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { repositoryChanged, type Path } from "../artifacts/queries.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { toast } from "../kit/toast.tsx";
import { LabelChip } from "./LabelChip.tsx";
import { LabelPick } from "./LabelPick.tsx";

export function ArtifactLabels({ path, digest, labels }: { path: Path; digest: string; labels: Label[] }) {
  const t = useTranslate();
  const may = useMay(path.project_name);
  const whole = { ...path, reference: digest };
  const add = useMutation({
    mutationFn: (label: Label) => call("POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels", { path: whole, body: { id: label.id ?? 0 } }),
    onSettled: () => repositoryChanged(path),
  });
  const take = useMutation({
    mutationFn: (label: Label) => takeLabel(path, digest, label),
    onSuccess: (_, label) => toast(t("labels.off", { name: label.name ?? "" }), may("artifact-label:create") ? { label: t("kit.undo"), run: () => add.mutate(label) } : undefined),
    onSettled: () => repositoryChanged(path),
  });
  const adds = may("artifact-label:create");
  const failed = add.error ?? take.error;
  if (labels.length === 0 && !adds) return null;
  return (
    <>
      <div className="row">
        <span className="muted">{t("artifacts.fact.labels")}</span>
        {labels.map((one) => <LabelChip key={one.id} label={one} onRemove={may("artifact-label:delete") ? () => take.mutate(one) : undefined} />)}
        {adds && <LabelPick project={path.project_name} label={t("labels.add")} without={labels.map((one) => one.id ?? 0)} onPick={(label) => label && add.mutate(label)} />}
      </div>
      {failed && <ProblemBox error={failed} />}
    </>
  );
}

/** Put a label on an artifact; on one that has it already nothing is done. */
export async function addLabel(path: Path, reference: string, label: Label): Promise<void> {
  try {
    await call("POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels", { path: { ...path, reference }, body: { id: label.id ?? 0 } });
  } catch (error) {
    if (!(error instanceof Problem && error.status === 409)) throw error;
  }
}

/** Take a label off an artifact. */
export const takeLabel = (path: Path, reference: string, label: Label) =>
  call("DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels/{label_id}", { path: { ...path, reference, label_id: label.id ?? 0 } });

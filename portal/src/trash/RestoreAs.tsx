// Its name was given again meanwhile: it comes back under another one.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { TrashEntry } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { TextField } from "../kit/Field.tsx";
import { toast } from "../kit/toast.tsx";
import { restoreEntry, trashChanged } from "./queries.ts";

/** `offer`: names that are free, by the old ones. */
export function RestoreAs({ entry, offer, onClose }: { entry: TrashEntry; offer: Record<string, string>; onClose: () => void }) {
  const t = useTranslate();
  const [names, setNames] = useState(offer);
  const restore = useMutation({
    mutationFn: () => restoreEntry(entry.id, names),
    onSuccess: () => {
      toast(t("trash.restored", { name: Object.values(names).join(", ") }));
      onClose();
    },
    onSettled: () => trashChanged(entry.project_name),
  });
  const dirty = Object.entries(names).some(([old, name]) => name !== offer[old]);
  return (
    <Dialog title={t("trash.as.title")} opened onClose={onClose} dirty={dirty}>
      <DialogForm submit={t("trash.as.submit")} onSubmit={() => restore.mutate()} onCancel={onClose} busy={restore.isPending} error={restore.error}>
        <p>{t("trash.as.why")}</p>
        {Object.entries(names).map(([old, name], index) => <TextField key={old} label={t("trash.as.name", { name: old })} value={name} data-autofocus={index === 0 || undefined} onChange={(event) => setNames({ ...names, [old]: event.currentTarget.value })} />)}
      </DialogForm>
    </Dialog>
  );
}

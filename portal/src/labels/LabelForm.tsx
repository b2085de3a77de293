// Make a label, or change one.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Label } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { TextField } from "../kit/Field.tsx";
import colors from "./colors.json";
import { LabelChip } from "./LabelChip.tsx";
import classes from "./labels.module.css";
import { labelsChanged, type Owner } from "./queries.ts";

export function LabelForm({ owner, label, onClose }: { owner: Owner | null; label: Label | null; onClose: () => void }) {
  const t = useTranslate();
  const [name, setName] = useState(label?.name ?? "");
  const [about, setAbout] = useState(label?.description ?? "");
  const [color, setColor] = useState(label?.color || (colors[0] as string));
  const [wrong, setWrong] = useState<string | null>(null);
  const body = { name, description: about, color, ...(owner ? { scope: "p", project_id: owner.id } : { scope: "g" }) };
  const save = useMutation({
    mutationFn: async () => void (label === null ? await call("POST /labels", { body }) : await call("PUT /labels/{label_id}", { path: { label_id: label.id ?? 0 }, body })),
    onSuccess: async () => {
      await labelsChanged(owner);
      onClose();
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 409) setWrong(t("labels.taken", { name }));
    },
  });
  const dirty = (name !== (label?.name ?? "") || about !== (label?.description ?? "") || color !== (label?.color || colors[0])) && !save.isSuccess;
  return (
    <Dialog title={label === null ? t("labels.new.title") : t("labels.edit.title", { name: label.name ?? "" })} opened onClose={onClose} dirty={dirty}>
      <DialogForm submit={label === null ? t("labels.new.submit") : t("labels.edit.submit")} onSubmit={() => (name.trim() === "" ? setWrong(t("labels.missing")) : save.mutate())} onCancel={onClose} busy={save.isPending} error={wrong === null ? save.error : null}>
        <TextField label={t("labels.column.name")} value={name} error={wrong} maxLength={128} data-autofocus onChange={(event) => { setName(event.currentTarget.value); setWrong(null); }} />
        <TextField label={t("labels.column.about")} optional value={about} onChange={(event) => setAbout(event.currentTarget.value)} />
        <div>
          <div id="label-color" className="strong">{t("labels.color")}</div>
          <div className={classes["swatches"]} role="radiogroup" aria-labelledby="label-color">
            {colors.map((one) => <button key={one} type="button" role="radio" aria-checked={one === color} aria-label={one} className={classes["swatch"]} style={{ background: one }} onClick={() => setColor(one)} />)}
          </div>
        </div>
        <div><LabelChip label={{ name: name || t("labels.column.name"), color }} /></div>
      </DialogForm>
    </Dialog>
  );
}

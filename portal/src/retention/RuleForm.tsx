// One rule, with a count of what its patterns mean while they are typed.
import { Checkbox } from "@mantine/core";
import { useState } from "react";
import type { RetentionRule } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { KeptNote, useKept } from "../kit/Draft.tsx";
import { NumberField, SelectField } from "../kit/Field.tsx";
import { Selectors } from "../selectors/Selectors.tsx";
import { EMPTY, TEMPLATES, filledOf, ruleOf, type Filled } from "./rules.ts";

export function RuleForm({ project, rule, busy, error, onSave, onClose }: { project: string; rule: RetentionRule | null; busy: boolean; error: unknown; onSave: (rule: RetentionRule) => void; onClose: () => void }) {
  const t = useTranslate();
  const first = rule === null ? EMPTY : filledOf(rule);
  const [filled, setFilled, kept] = useKept<Filled & { typed: string }>(`retention/${project}/${rule === null ? "new" : JSON.stringify(rule)}`, { ...first, typed: String(first.count || EMPTY.count) });
  const count = filled.typed; // as text: an empty field is not a nought
  const [wrong, setWrong] = useState<string | null>(null);
  const [touched, setTouched] = useState(kept.found);
  const set = (change: Partial<Filled & { typed: string }>) => {
    setFilled({ ...filled, ...change });
    setWrong(null);
    setTouched(true);
  };
  const send = () => {
    if (filled.template !== "always" && !/^[1-9]\d*$/.test(count)) setWrong(t("retention.form.countRule"));
    else {
      const { typed, ...rest } = filled;
      onSave(ruleOf({ ...rest, count: Number(typed) }));
    }
  };
  return (
    <Dialog title={rule === null ? t("retention.form.new") : t("retention.form.edit")} opened onClose={onClose} dirty={touched} size={560}>
      <DialogForm submit={t("retention.form.submit")} onSubmit={send} onCancel={onClose} busy={busy} error={error}>
        <KeptNote kept={kept} />
        <SelectField label={t("retention.form.keep")} data={TEMPLATES.map((one) => ({ value: one, label: t(`retention.kind.${one}`) }))} value={filled.template} onChange={(value) => set({ template: value as Filled["template"] })} />
        {filled.template !== "always" && <NumberField label={t("retention.form.count")} value={count} error={wrong} min={1} w={160} onChange={(value) => set({ typed: String(value) })} />}
        <Selectors project={project} chosen={filled} onChange={set} />
        <Checkbox label={t("retention.form.untagged")} checked={filled.untagged} onChange={(event) => set({ untagged: event.currentTarget.checked })} />
      </DialogForm>
    </Dialog>
  );
}

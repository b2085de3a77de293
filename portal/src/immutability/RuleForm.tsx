// One rule, with what it keeps just now, and a name to try it on.
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { ImmutableRule } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { TextField } from "../kit/Field.tsx";
import { Selectors } from "../selectors/Selectors.tsx";
import { EVERYTHING, chosenOf, repositorySelector, tagSelector, type Chosen } from "../selectors/selectors.ts";

export function RuleForm({ project, rule, busy, error, onSave, onClose }: { project: string; rule: ImmutableRule | null; busy: boolean; error: unknown; onSave: (rule: ImmutableRule) => void; onClose: () => void }) {
  const t = useTranslate();
  const first = rule === null ? { ...EVERYTHING, tags: "v*" } : chosenOf(rule);
  const [chosen, setChosen] = useState<Chosen>(first);
  const [touched, setTouched] = useState(false);
  const [name, setName] = useState("");
  const [asked] = useDebouncedValue({ selector: tagSelector(chosen), name: name.trim() }, 300);
  const tried = useQuery({
    queryKey: ["project", project, "try", asked],
    enabled: asked.name !== "",
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: async ({ signal }) => (await call("POST /selectors/try", { body: { selector: asked.selector, names: [asked.name], first: 0 }, signal })).data,
  });
  const send = () => onSave({
    priority: 0, action: "immutable", template: "immutable_template", ...rule,
    disabled: rule?.disabled ?? false, tag_selectors: [tagSelector(chosen)], scope_selectors: { repository: [repositorySelector(chosen)] },
  });
  const verdict = asked.name === "" || tried.error || !tried.data ? null : tried.data.matched > 0 ? t("immutability.form.would", { tag: asked.name }) : t("immutability.form.wouldNot", { tag: asked.name });
  return (
    <Dialog title={rule === null ? t("immutability.form.new") : t("immutability.form.edit")} opened onClose={onClose} dirty={touched} size={560}>
      <DialogForm submit={t("immutability.form.submit")} onSubmit={send} onCancel={onClose} busy={busy} error={error}>
        <Selectors project={project} chosen={chosen} onChange={(change) => { setChosen({ ...chosen, ...change }); setTouched(true); }} />
        <TextField label={t("immutability.form.try")} optional value={name} onChange={(event) => setName(event.currentTarget.value)} description={<span role="status">{verdict ?? t("immutability.form.tryHint")}</span>} />
      </DialogForm>
    </Dialog>
  );
}

// One rule, with a count of what its patterns mean while they are typed.
import { Checkbox } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { RetentionRule } from "../api/schema.ts";
import { useWords } from "../app/words.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { NumberField, SelectField, TextField } from "../kit/Field.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { EMPTY, KINDS, TEMPLATES, ruleOf, shownOf, type Filled } from "./rules.ts";

export function RuleForm({ project, rule, busy, error, onSave, onClose }: { project: string; rule: RetentionRule | null; busy: boolean; error: unknown; onSave: (rule: RetentionRule) => void; onClose: () => void }) {
  const t = useWords();
  const [filled, setFilled] = useState<Filled>(() => (rule === null ? EMPTY : { ...EMPTY, ...shownOf(rule), tagKind: (rule.tag_selectors?.[0]?.kind ?? "doublestar") as Filled["tagKind"], untagged: !String(rule.tag_selectors?.[0]?.extras ?? "").includes("false") }));
  const [count, setCount] = useState(String(filled.count || EMPTY.count)); // as text: an empty field is not a nought
  const [wrong, setWrong] = useState<string | null>(null);
  const [touched, setTouched] = useState(false);
  const set = (change: Partial<Filled>) => {
    setFilled({ ...filled, ...change });
    setWrong(null);
    setTouched(true);
  };
  const [asked] = useDebouncedValue({ repositories: filled.repositories, kind: filled.tagKind, tags: filled.tags }, 400);
  const matches = useQuery({
    queryKey: ["project", project, "match", asked],
    enabled: asked.repositories !== "" && asked.tags !== "",
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: async ({ signal }) => (await call("POST /projects/{project_name_or_id}/selectors/match", { path: { project_name_or_id: project }, header: IS_NAME, body: { repository: { kind: "doublestar", pattern: asked.repositories }, tag: { kind: asked.kind, pattern: asked.tags }, first: 3 }, signal })).data,
  });
  const send = () => {
    if (filled.template !== "always" && !/^[1-9]\d*$/.test(count)) setWrong(t("retention.form.countRule"));
    else onSave(ruleOf({ ...filled, count: Number(count) }));
  };
  return (
    <Dialog title={rule === null ? t("retention.form.new") : t("retention.form.edit")} opened onClose={onClose} dirty={touched} size={560}>
      <DialogForm submit={t("retention.form.submit")} onSubmit={send} onCancel={onClose} busy={busy} error={error}>
        <SelectField label={t("retention.form.keep")} data={TEMPLATES.map((one) => ({ value: one, label: t(`retention.kind.${one}`) }))} value={filled.template} onChange={(value) => set({ template: value as Filled["template"] })} />
        {filled.template !== "always" && <NumberField label={t("retention.form.count")} value={count} error={wrong} min={1} w={160} onChange={(value) => { setCount(String(value)); set({}); }} />}
        <TextField label={t("retention.form.repositories")} description={t("retention.form.repositoriesHint")} value={filled.repositories} onChange={(event) => set({ repositories: event.currentTarget.value })} />
        <SelectField label={t("retention.form.tagKind")} data={KINDS.map((one) => ({ value: one, label: t(`retention.pattern.${one}`) }))} value={filled.tagKind} onChange={(value) => set({ tagKind: value as Filled["tagKind"] })} />
        <TextField label={t("retention.form.tags")} value={filled.tags} onChange={(event) => set({ tags: event.currentTarget.value })} />
        <Checkbox label={t("retention.form.untagged")} checked={filled.untagged} onChange={(event) => set({ untagged: event.currentTarget.checked })} />
        <p className="muted small" role="status">
          {matches.data?.tags ? t("retention.form.matches", { tags: matches.data.tags.matched, of: matches.data.tags.of, repositories: matches.data.repositories.matched }) : "\u00a0"}
        </p>
      </DialogForm>
    </Dialog>
  );
}

// Make an access token: what it is for, where, and how long. Its secret is in the answer, and nowhere else.
import { Checkbox, MultiSelect, Radio } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { KeptNote, useKept } from "../kit/Draft.tsx";
import { SelectField, TextField } from "../kit/Field.tsx";
import { SCOPES } from "./tokenColumns.tsx";
import { tokensChanged, useProjectNames } from "./queries.ts";

const FIRST = { name: "", scopes: ["pull"], everywhere: true, projects: [] as string[], days: "90" };
const DAYS = ["7", "30", "90", "365", "-1"];

export function TokenForm({ onClose, onCreated }: { onClose: () => void; onCreated: (made: { name: string; secret: string }) => void }) {
  const t = useTranslate();
  const [one, setOne, kept] = useKept("token", FIRST);
  const { name, scopes, everywhere, projects, days } = one;
  const change = (part: Partial<typeof one>) => {
    setOne({ ...one, ...part });
    setWrong({});
  };
  const [sought, setSought] = useState("");
  const [wrong, setWrong] = useState<{ name?: string; scopes?: string; projects?: string }>({});
  const found = useProjectNames(sought);
  const make = useMutation({
    mutationFn: async () => (await call("POST /users/current/tokens", { body: { name: name.trim(), scopes, projects: everywhere ? null : projects, duration: Number(days) } })).data,
    onSuccess: async (made) => {
      await tokensChanged();
      onClose();
      onCreated({ name: made.name, secret: made.token });
    },
    onError: (error) => { if (asProblem(error).status === 409) setWrong({ name: t("account.tokens.new.taken", { name: name.trim() }) }); },
  });
  const send = () => {
    const lacks = {
      ...(name.trim() === "" || name.trim().length > 64 ? { name: t("account.tokens.new.nameRule") } : {}),
      ...(scopes.length === 0 ? { scopes: t("account.tokens.new.scopesMissing") } : {}),
      ...(!everywhere && projects.length === 0 ? { projects: t("account.tokens.new.projectsMissing") } : {}),
    };
    setWrong(lacks);
    if (Object.keys(lacks).length === 0) make.mutate();
  };
  return (
    <Dialog title={t("account.tokens.new.title")} opened onClose={onClose} dirty={JSON.stringify(one) !== JSON.stringify(FIRST) && !make.isSuccess}>
      <DialogForm submit={t("account.tokens.new.submit")} onSubmit={send} onCancel={onClose} busy={make.isPending} error={wrong.name === undefined ? make.error : null}>
        <KeptNote kept={kept} />
        <TextField label={t("account.tokens.column.name")} description={t("account.tokens.new.nameHint")} value={name} error={wrong.name} data-autofocus maxLength={64} onChange={(event) => { change({ name: event.currentTarget.value }); }} />
        <Checkbox.Group label={t("account.tokens.column.scopes")} value={scopes} error={wrong.scopes} onChange={(value) => { change({ scopes: value }); }}>
          <div className="stack">{Object.entries(SCOPES).map(([scope, word]) => <Checkbox key={scope} value={scope} label={t(word)} />)}</div>
        </Checkbox.Group>
        <Radio.Group label={t("account.tokens.column.projects")} value={everywhere ? "all" : "some"} onChange={(value) => { change({ everywhere: value === "all" }); }}>
          <div className="stack">
            <Radio value="all" label={t("account.tokens.new.everywhere")} />
            <Radio value="some" label={t("account.tokens.new.some")} />
          </div>
        </Radio.Group>
        {!everywhere && <MultiSelect aria-label={t("account.tokens.new.projects")} placeholder={projects.length ? "" : t("account.tokens.new.projects")} searchable searchValue={sought} onSearchChange={setSought} data={[...new Set([...projects, ...found])]} value={projects} error={wrong.projects} maxValues={50} comboboxProps={{ withinPortal: false }} onChange={(value) => { change({ projects: value }); }} />}
        <SelectField label={t("account.tokens.column.expires")} data={DAYS.map((one) => ({ value: one, label: one === "-1" ? t("account.tokens.never") : t("account.tokens.days", { count: Number(one) }) }))} value={days} onChange={(value) => change({ days: String(value) })} />
      </DialogForm>
    </Dialog>
  );
}

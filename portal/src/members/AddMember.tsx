// Give people and groups a role, one or several at once; names are offered as they are typed.
import { Autocomplete, Radio } from "@mantine/core";
import { IconUser, IconUsersGroup } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { tryEach } from "../kit/batch.ts";
import { Refused, type RefusedOne } from "../kit/Refusals.tsx";
import { Name } from "../kit/values.tsx";
import { toast } from "../kit/toast.tsx";
import { IS_NAME, ROLES } from "../projects/queries.ts";
import { RANKED, groupOf, membersChanged, peopleQuery } from "./queries.ts";

type Kind = "u" | "g";
interface Somebody { kind: Kind; name: string }

const same = (one: Somebody, other: Somebody) => one.kind === other.kind && one.name === other.name;

/** Those of before and these, each once. */
export function together(before: readonly Somebody[], kind: Kind, text: string): Somebody[] {
  const found = [...before];
  for (const name of text.split(/[,;\n]/).map((one) => one.trim()).filter(Boolean)) if (!found.some((one) => same(one, { kind, name }))) found.push({ kind, name });
  return found;
}

export function AddMember({ project, onClose }: { project: string; onClose: () => void }) {
  const t = useTranslate();
  const [kind, setKind] = useState<Kind>("u");
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<Somebody[]>([]);
  const [role, setRole] = useState("2");
  const [wrong, setWrong] = useState<string | null>(null);
  const [left, setLeft] = useState<RefusedOne[]>([]);
  const found = useQuery(peopleQuery(kind, name.trim())).data ?? [];
  const all = together(chosen, kind, name);
  const said = (one: Somebody, problem: Problem): string | null =>
    problem.status === 409 ? t("members.add.taken", { name: one.name }) : problem.status === 400 || problem.status === 404 ? t("members.add.unknown", { name: one.name }) : null;
  const add = useMutation({
    mutationFn: (these: Somebody[]) =>
      tryEach(these, (one) => one.name, async (one) =>
        call("POST /projects/{project_name_or_id}/members", { path: { project_name_or_id: project }, header: IS_NAME, body: { role_id: Number(role), ...(one.kind === "g" ? { member_group: { id: await groupOf(one.name) } } : { member_user: { username: one.name } }) } })),
    onSuccess: async ({ done, left: refused }, these) => {
      if (done.length > 0) {
        await membersChanged(project);
        if (these.length > 1) toast(t("members.added", { count: done.length }));
      }
      const [first] = refused;
      if (first === undefined) return onClose();
      if (these.length > 1) { // those who are in are no longer chosen; the others can be mended
        setName("");
        setChosen(refused.map(({ one }) => one));
        setLeft(refused.map(({ one, name: called, problem }) => ({ name: called, problem, why: said(one, problem) })));
      } else setWrong(said(first.one, first.problem) ?? first.problem.message);
      return undefined;
    },
  });
  const send = () => {
    setLeft([]);
    if (all.length === 0) setWrong(t("members.add.missing"));
    else add.mutate(all);
  };
  const type = (text: string) => {
    setWrong(null);
    if (!/[,;\n]/.test(text)) return setName(text);
    setChosen(together(chosen, kind, text));
    setName("");
    return undefined;
  };
  return (
    <Dialog title={t("members.add.title", { project })} opened onClose={onClose} dirty={all.length > 0}>
      <DialogForm submit={all.length > 1 ? t("members.add.submitMany", { count: all.length }) : t("members.add.submit")} onSubmit={send} onCancel={onClose} busy={add.isPending} error={add.error}>
        <Radio.Group label={t("members.column.kind")} value={kind} onChange={(value) => { setChosen(together(chosen, kind, name)); setName(""); setKind(value as Kind); }}>
          <div className="row"><Radio value="u" label={t("members.kind.user")} /><Radio value="g" label={t("members.kind.group")} /></div>
        </Radio.Group>
        <Autocomplete
          label={kind === "u" ? t("members.add.user") : t("members.add.group")} description={t("members.add.several")} value={name} error={wrong} data={[...new Set(found)]} filter={({ options }) => options}
          onChange={type} onOptionSubmit={(one) => { setChosen(together(chosen, kind, one)); setTimeout(() => setName(""), 0); }} data-autofocus spellCheck={false}
        />
        {chosen.length > 0 && (
          <div className="row" role="group" aria-label={t("members.add.chosen")}>
            {chosen.map((one) => <Chip key={`${one.kind}${one.name}`} icon={one.kind === "g" ? IconUsersGroup : IconUser} remove={t("members.add.unchoose", { name: one.name })} onRemove={() => { setChosen(chosen.filter((each) => !same(each, one))); setLeft([]); }}><Name>{one.name}</Name></Chip>)}
          </div>
        )}
        {left.length > 0 && <Refused title={t("members.many.left", { count: left.length })} left={left} />}
        <Radio.Group label={t("members.column.role")} value={role} onChange={setRole}>
          <div className="stack">{RANKED.map((one) => <Radio key={one} value={String(one)} label={t(ROLES[one])} description={t(`members.may.${one}`)} />)}</div>
        </Radio.Group>
      </DialogForm>
    </Dialog>
  );
}

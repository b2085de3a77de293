// Give somebody, or a group, a role; names are offered as they are typed.
import { Autocomplete, Radio } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { useWords } from "../app/words.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { IS_NAME, ROLES } from "../projects/queries.ts";
import { RANKED, groupOf, membersChanged, peopleQuery } from "./queries.ts";

export function AddMember({ project, onClose }: { project: string; onClose: () => void }) {
  const t = useWords();
  const [kind, setKind] = useState<"u" | "g">("u");
  const [name, setName] = useState("");
  const [role, setRole] = useState("2");
  const [wrong, setWrong] = useState<string | null>(null);
  const found = useQuery(peopleQuery(kind, name.trim())).data ?? [];
  const add = useMutation({
    mutationFn: async () =>
      call("POST /projects/{project_name_or_id}/members", { path: { project_name_or_id: project }, header: IS_NAME, body: { role_id: Number(role), ...(kind === "g" ? { member_group: { id: await groupOf(name.trim()) } } : { member_user: { username: name.trim() } }) } }),
    onSuccess: async () => {
      await membersChanged(project);
      onClose();
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 409) setWrong(t("members.add.taken", { name }));
      else if (error instanceof Problem && (error.status === 400 || error.status === 404)) setWrong(t("members.add.unknown", { name }));
    },
  });
  const send = () => (name.trim() === "" ? setWrong(t("members.add.missing")) : add.mutate());
  return (
    <Dialog title={t("members.add.title", { project })} opened onClose={onClose} dirty={name !== ""}>
      <DialogForm submit={t("members.add.submit")} onSubmit={send} onCancel={onClose} busy={add.isPending} error={wrong === null ? add.error : null}>
        <Radio.Group label={t("members.column.kind")} value={kind} onChange={(value) => setKind(value as "u" | "g")}>
          <div className="row"><Radio value="u" label={t("members.kind.user")} /><Radio value="g" label={t("members.kind.group")} /></div>
        </Radio.Group>
        <Autocomplete label={kind === "u" ? t("members.add.user") : t("members.add.group")} value={name} error={wrong} data={[...new Set(found)]} filter={({ options }) => options} onChange={(value) => { setName(value); setWrong(null); }} data-autofocus spellCheck={false} />
        <Radio.Group label={t("members.column.role")} value={role} onChange={setRole}>
          <div className="stack">{RANKED.map((one) => <Radio key={one} value={String(one)} label={t(ROLES[one])} description={t(`members.may.${one}`)} />)}</div>
        </Radio.Group>
      </DialogForm>
    </Dialog>
  );
}

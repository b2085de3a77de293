// Make a project; the rule for its name is said before the error.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { places } from "../app/paths.ts";
import { isAdmin, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { KeptNote, useKept } from "../kit/Draft.tsx";
import { NumberField, SelectField, SwitchField, TextField } from "../kit/Field.tsx";
import { projectsChanged, registriesToMirror } from "./queries.ts";

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const GIB = 1024 ** 3;
const FIRST = { name: "", isPublic: false, quota: "", upstream: "" };

export default function NewProject({ onClose }: { onClose: () => void }) {
  const t = useTranslate();
  const navigate = useNavigate();
  const admin = isAdmin(useUser());
  const [one, setOne, kept] = useKept("project", FIRST);
  const { name, isPublic, quota, upstream } = one;
  const registries = useQuery({ ...registriesToMirror, enabled: admin }).data ?? [];
  const [wrong, setWrong] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: () => call("POST /projects", { body: { project_name: name, metadata: { public: String(isPublic) }, ...(admin ? { storage_limit: quota === "" ? -1 : Math.round(Number(quota) * GIB) } : {}), ...(upstream ? { registry_id: Number(upstream) } : {}) } }),
    onSuccess: async () => {
      await projectsChanged();
      onClose();
      await navigate({ to: places.repositories(name) });
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 409) setWrong(t("projects.new.taken", { name }));
    },
  });
  const send = () => {
    if (!NAME.test(name)) setWrong(t("projects.new.nameRule"));
    else make.mutate();
  };
  const own = make.error instanceof Problem && make.error.status === 409 ? null : make.error;
  return (
    <Dialog title={t("projects.new.title")} opened onClose={onClose} dirty={JSON.stringify(one) !== JSON.stringify(FIRST) && !make.isPending && !make.isSuccess}>
      <DialogForm submit={t("projects.new.submit")} onSubmit={send} onCancel={onClose} busy={make.isPending} error={own}>
        <KeptNote kept={kept} />
        <TextField label={t("projects.new.name")} description={t("projects.new.nameRule")} value={name} error={wrong} data-autofocus maxLength={255} onChange={(event) => { setOne({ ...one, name: event.currentTarget.value }); setWrong(null); }} onBlur={() => { if (name !== "" && !NAME.test(name)) setWrong(t("projects.new.nameRule")); }} />
        <SwitchField label={t("projects.new.public")} description={t("projects.new.publicHint")} checked={isPublic} onChange={(event) => setOne({ ...one, isPublic: event.currentTarget.checked })} />
        {admin && <NumberField label={t("projects.new.quota")} optional description={t("projects.new.quotaHint")} value={quota} onChange={(value) => setOne({ ...one, quota: String(value) })} min={0} suffix=" GiB" decimalScale={2} />}
        {registries.length > 0 && <SelectField label={t("projects.new.upstream")} description={t("projects.new.upstreamHint")} value={upstream} data={[{ value: "", label: t("projects.new.ownContent") }, ...registries.map((one) => ({ value: String(one.id), label: one.name ?? "" }))]} onChange={(value) => setOne({ ...one, upstream: String(value ?? "") })} />}
      </DialogForm>
    </Dialog>
  );
}

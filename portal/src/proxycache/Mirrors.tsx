// Names that clients already use and that lead into this project: set by administrators of the system.
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { queries } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { SelectField, TextField } from "../kit/Field.tsx";
import { ProblemBox, useSay } from "../kit/ProblemBox.tsx";
import { Name } from "../kit/values.tsx";
import { toast } from "../kit/toast.tsx";
import classes from "../projects/settings.module.css";

const KINDS = ["ns", "host", "port"] as const;
type Kind = (typeof KINDS)[number];
/** Of each kind; in every language. */
const EXAMPLES: Record<Kind, string> = { ns: "docker.io", host: "hub.example.com", port: "5001" };

export function Mirrors({ project }: { project: string }) {
  const t = useTranslate();
  const [makes, setMakes] = useState(false);
  const key = ["project", project, "mirrors"];
  const query = useQuery({ queryKey: key, queryFn: async ({ signal }) => (await call("GET /mirrors", { query: { q: `project_name=${project}`, page_size: 100 }, signal })).data });
  const remove = useMutation({
    mutationFn: ({ id }: { id: number; name: string }) => call("DELETE /mirrors/{id}", { path: { id } }),
    onSuccess: (_, one) => toast(t("settings.mirrors.removed", { name: one.name })),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  });
  const error = query.error ?? remove.error;
  return (
    <section className={classes["form"]} aria-label={t("settings.mirrors.title")}>
      <h2>{t("settings.mirrors.title")}</h2>
      <p>{t("settings.mirrors.about")}</p>
      {error && <ProblemBox error={error} />}
      {query.data && query.data.length > 0 && (
        <ul className={classes["list"]}>
          {query.data.map((one) => (
            <li key={one.id}>
              <Name mono>{one.name}</Name><span className="small muted">{t(`settings.mirrors.kind.${one.kind}` as Key)}</span>
              <span className="grow" />
              <Button size="xs" variant="subtle" aria-label={t("settings.mirrors.removeOf", { name: one.name })} onClick={() => remove.mutate(one)}>{t("settings.mirrors.remove")}</Button>
            </li>
          ))}
        </ul>
      )}
      <div><Button variant="default" onClick={() => setMakes(true)}>{t("settings.mirrors.add")}</Button></div>
      {makes && <NewMirror project={project} onClose={() => setMakes(false)} onMade={() => queries.invalidateQueries({ queryKey: key })} />}
    </section>
  );
}

function NewMirror({ project, onClose, onMade }: { project: string; onClose: () => void; onMade: () => Promise<void> }) {
  const t = useTranslate();
  const [kind, setKind] = useState<Kind>("ns");
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const say = useSay();
  const make = useMutation({
    mutationFn: () => call("POST /mirrors", { body: { kind, name: name.trim(), project_name: project } }),
    onSuccess: async () => { await onMade(); onClose(); },
    onError: (error) => {
      if (!(error instanceof Problem)) return;
      if (error.reason === "MIRROR_EXISTS") setWrong(t("settings.mirrors.taken", { name: name.trim() }));
      else if (error.reason === "MIRROR_INVALID") void say(error).then(setWrong);
    },
  });
  const send = () => (name.trim() === "" ? setWrong(t("settings.mirrors.missing")) : make.mutate());
  return (
    <Dialog title={t("settings.mirrors.new", { project })} opened onClose={onClose} dirty={name !== ""}>
      <DialogForm submit={t("settings.mirrors.add")} onSubmit={send} onCancel={onClose} busy={make.isPending} error={wrong === null ? make.error : null}>
        <SelectField label={t("settings.mirrors.by")} value={kind} data={KINDS.map((one) => ({ value: one, label: t(`settings.mirrors.kind.${one}`) }))} onChange={(value) => { setKind(value as Kind); setWrong(null); }} />
        <TextField label={t("settings.mirrors.name")} description={t(`settings.mirrors.hint.${kind}`)} placeholder={EXAMPLES[kind]} value={name} error={wrong} data-autofocus onChange={(event) => { setName(event.currentTarget.value); setWrong(null); }} />
      </DialogForm>
    </Dialog>
  );
}

// One more name for an artifact; one that another has moves only when that is asked for.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { TextField } from "../kit/Field.tsx";
import { toast } from "../kit/toast.tsx";
import { repositoryChanged, type Path } from "./queries.ts";

const isTaken = (error: unknown) => error instanceof Problem && error.reason === "TAG_EXISTS";
/** As the distribution specification has it. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** `of`: what is seen of the artifact: a tag, or its digest in short. */
export function AddTag({ path, digest, of, onClose }: { path: Path; digest: string; of: string; onClose: () => void }) {
  const t = useTranslate();
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [taken, setTaken] = useState(false);
  const mayMove = useMay(path.project_name)("repository:push");
  const add = useMutation({
    mutationFn: async () => {
      if (taken) await call("PUT /projects/{project_name}/repositories/{repository_name}/tags/{tag_name}", { path: { ...path, tag_name: name }, body: { digest } });
      else await call("POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags", { path: { ...path, reference: digest }, body: { name } });
    },
    onSuccess: async () => {
      toast(taken ? t("artifacts.addTag.moved", { tag: name }) : t("artifacts.addTag.done", { tag: name }));
      await repositoryChanged(path);
      onClose();
    },
    onError: (error) => {
      if (!isTaken(error)) return;
      setWrong(mayMove ? t("artifacts.addTag.moves", { tag: name }) : t("artifacts.addTag.taken", { tag: name }));
      setTaken(mayMove);
    },
  });
  return (
    <Dialog title={t("artifacts.addTag.title", { name: of })} opened onClose={onClose} dirty={name !== ""}>
      <DialogForm submit={taken ? t("artifacts.addTag.move", { tag: name }) : t("artifacts.addTag.submit")} onSubmit={() => (TAG.test(name) ? add.mutate() : setWrong(t("artifacts.addTag.rule")))} onCancel={onClose} busy={add.isPending} error={wrong === null || !isTaken(add.error) ? add.error : null}>
        <TextField label={t("artifacts.column.tag")} description={t("artifacts.addTag.rule")} value={name} error={wrong} data-autofocus onChange={(event) => { setName(event.currentTarget.value); setWrong(null); setTaken(false); add.reset(); }} />
      </DialogForm>
    </Dialog>
  );
}

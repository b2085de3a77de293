// A new key that signs what a policy sends, shown this once.
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { WebhookPolicy } from "../api/schema.ts";
import { useWords } from "../app/words.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { TextField } from "../kit/Field.tsx";
import { copyText } from "../kit/show.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { webhooksChanged } from "./queries.ts";

export function SigningKey({ project, policy, onClose }: { project: string; policy: WebhookPolicy; onClose: () => void }) {
  const t = useWords();
  const [kept, setKept] = useState(false);
  const make = useMutation({
    mutationFn: async () => (await call("POST /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/signing-key", { path: { project_name_or_id: project, webhook_policy_id: policy.id ?? 0 }, header: IS_NAME })).data.key,
    gcTime: 0,
    onSettled: () => webhooksChanged(project),
  });
  const key = make.data;
  return (
    <Dialog title={t("webhooks.key.title", { name: policy.name ?? "" })} opened onClose={onClose} dirty={key !== undefined && !kept}>
      {key === undefined ? (
        <DialogForm submit={t("webhooks.key.submit")} onSubmit={() => make.mutate()} onCancel={onClose} busy={make.isPending} error={make.error}>
          <p>{t("webhooks.key.why")}</p>
          {policy.signed && <p>{t("webhooks.key.replaces")}</p>}
        </DialogForm>
      ) : (
        <div className="stack">
          <p>{t("webhooks.key.once")}</p>
          <TextField label={t("webhooks.key.label")} value={key} readOnly className="mono" onFocus={(event) => event.currentTarget.select()} />
          <div className="row"><Button onClick={() => void copyText(key).then((done) => setKept(done))}>{kept ? t("kit.copy.done") : t("webhooks.key.copy")}</Button></div>
        </div>
      )}
    </Dialog>
  );
}

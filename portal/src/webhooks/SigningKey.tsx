// A new key that signs what a policy sends, shown this once.
import { useMutation } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { WebhookPolicy } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { SecretOnce } from "../kit/SecretOnce.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { webhooksChanged } from "./queries.ts";

export function SigningKey({ project, policy, onClose }: { project: string; policy: WebhookPolicy; onClose: () => void }) {
  const t = useTranslate();
  const make = useMutation({
    mutationFn: async () => (await call("POST /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/signing-key", { path: { project_name_or_id: project, webhook_policy_id: policy.id ?? 0 }, header: IS_NAME })).data.key,
    gcTime: 0,
    onSettled: () => webhooksChanged(project),
  });
  const title = t("webhooks.key.title", { name: policy.name ?? "" });
  if (make.data !== undefined) return <SecretOnce title={title} name={policy.name ?? ""} secret={make.data} onClose={onClose} />;
  return (
    <Dialog title={title} opened onClose={onClose}>
      <DialogForm submit={t("webhooks.key.submit")} onSubmit={() => make.mutate()} onCancel={onClose} busy={make.isPending} error={make.error}>
        <p>{t("webhooks.key.why")}</p>
        {policy.signed && <p>{t("webhooks.key.replaces")}</p>}
      </DialogForm>
    </Dialog>
  );
}

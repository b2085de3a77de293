// Make a webhook, or change one.
import { Button, Checkbox } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { WebhookPolicy, WebhookSelector, WebhookTargetObject } from "../api/schema.ts";
import { isAdmin, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { KeptNote, useKept } from "../kit/Draft.tsx";
import { CheckField, PasswordField, SelectField, TextField } from "../kit/Field.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { eventWord } from "./events.ts";
import classes from "./webhooks.module.css";
import { choicesQuery, webhooksChanged } from "./queries.ts";

const ALL = "**";
const MOST = 10;
const EMPTY: WebhookTargetObject = { type: "http", address: "", auth_header: "", skip_cert_verify: false, payload_format: "Default" };

export function WebhookForm({ project, policy, onClose }: { project: string; policy: WebhookPolicy | null; onClose: () => void }) {
  const t = useTranslate();
  const choices = useQuery(choicesQuery(project)).data;
  const [start] = useState(() => draftOf(policy));
  const [draft, setDraft, kept] = useKept(`webhook/${project}/${policy?.id ?? "new"}`, start, withoutSecrets, withSecrets);
  const [wrong, setWrong] = useState<{ name?: string; events?: string; address?: number }>({});
  const change = (part: Partial<Draft>) => {
    setDraft({ ...draft, ...part });
    setWrong({});
  };
  const changeTarget = (index: number, part: Partial<WebhookTargetObject>) => change({ targets: draft.targets.map((one, at) => (at === index ? { ...one, ...part } : one)) });
  const path = { project_name_or_id: project };
  const save = useMutation({
    mutationFn: async () => {
      const body = bodyOf(draft, policy);
      if (policy === null) await call("POST /projects/{project_name_or_id}/webhook/policies", { path, body, header: IS_NAME });
      else await call("PUT /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}", { path: { ...path, webhook_policy_id: policy.id ?? 0 }, body, header: IS_NAME });
    },
    onSuccess: async () => {
      await webhooksChanged(project);
      onClose();
    },
    onError: (error) => {
      if (error instanceof Problem && error.reason === "WEBHOOK_EXISTS") setWrong({ name: t("webhooks.taken", { name: draft.name }) });
    },
  });
  const send = () => {
    const address = draft.targets.findIndex((one) => !/^https?:\/\/\S+$/.test((one.address ?? "").trim()));
    const found = { ...(draft.name.trim() === "" ? { name: t("webhooks.nameMissing") } : {}), ...(draft.events.length === 0 ? { events: t("webhooks.eventsMissing") } : {}), ...(address >= 0 ? { address } : {}) };
    setWrong(found);
    if (Object.keys(found).length === 0) save.mutate();
  };
  const isDirty = JSON.stringify(draft) !== JSON.stringify(start);
  return (
    <Dialog title={policy === null ? t("webhooks.new.title") : t("webhooks.edit.title", { name: policy.name ?? "" })} opened onClose={onClose} dirty={isDirty} size={560}>
      <DialogForm submit={policy === null ? t("webhooks.new.submit") : t("webhooks.edit.submit")} onSubmit={send} onCancel={onClose} busy={save.isPending} error={wrong.name === undefined ? save.error : null}>
        <KeptNote kept={kept} />
        <TextField label={t("webhooks.column.name")} value={draft.name} error={wrong.name} maxLength={255} data-autofocus onChange={(event) => change({ name: event.currentTarget.value })} />
        <Checkbox.Group label={t("webhooks.column.events")} value={draft.events} error={wrong.events} onChange={(events) => change({ events })}>
          <div className={classes["events"]}>{(choices?.event_type ?? []).map((type) => <CheckField key={type} value={type} label={eventWord(type, t)} />)}</div>
        </Checkbox.Group>
        {draft.targets.map((target, index) => (
          <TargetFields
            key={index} target={target} formats={(choices?.payload_formats ?? []).flatMap((one) => one.formats.map((format) => [one.notify_type, format]))} wrong={wrong.address === index} onChange={(part) => changeTarget(index, part)}
            {...(draft.targets.length > 1 ? { onRemove: () => change({ targets: draft.targets.filter((_, at) => at !== index) }) } : {})}
          />
        ))}
        {draft.targets.length < MOST && <div><Button size="xs" variant="subtle" onClick={() => change({ targets: [...draft.targets, EMPTY] })}>{t("webhooks.target.add")}</Button></div>}
        <TextField label={t("webhooks.repositories")} optional value={draft.repositories} description={t("webhooks.patternHint")} onChange={(event) => change({ repositories: event.currentTarget.value })} />
        <TextField label={t("webhooks.tags")} optional value={draft.tags} onChange={(event) => change({ tags: event.currentTarget.value })} />
      </DialogForm>
    </Dialog>
  );
}

/** Where events go. `formats`: pairs of a kind of target and a format of it. */
function TargetFields({ target, formats, wrong, onChange, onRemove }: { target: WebhookTargetObject; formats: string[][]; wrong: boolean; onChange: (part: Partial<WebhookTargetObject>) => void; onRemove?: () => void }) {
  const t = useTranslate();
  const admin = isAdmin(useUser());
  return (
    <fieldset className={`panel stack ${classes["target"]}`}>
      <legend className="hidden">{t("webhooks.column.target")}</legend>
      <TextField label={t("webhooks.target.address")} value={target.address ?? ""} error={wrong ? t("webhooks.target.addressRule") : null} inputMode="url" onChange={(event) => onChange({ address: event.currentTarget.value })} />
      <SelectField
        label={t("webhooks.target.format")} value={`${target.type} ${target.payload_format}`} data={formats.map(([type, format]) => ({ value: `${type} ${format}`, label: type === "slack" ? t("webhooks.format.slack") : format === "CloudEvents" ? t("webhooks.format.cloudEvents") : t("webhooks.format.plain") }))}
        onChange={(value) => onChange({ type: String(value).split(" ")[0] ?? "http", payload_format: String(value).split(" ")[1] ?? "Default" })}
      />
      <PasswordField label={t("webhooks.target.auth")} optional value={target.auth_header ?? ""} description={t("webhooks.target.authHint")} autoComplete="off" onChange={(event) => onChange({ auth_header: event.currentTarget.value })} />
      {(admin || target.skip_cert_verify) && <CheckField label={t("webhooks.target.anyCertificate")} checked={target.skip_cert_verify ?? false} onChange={(event) => onChange({ skip_cert_verify: event.currentTarget.checked })} />}
      {onRemove && <div><Button size="xs" variant="subtle" color="gray" onClick={onRemove}>{t("webhooks.target.remove")}</Button></div>}
    </fieldset>
  );
}

interface Draft {
  name: string;
  events: string[];
  targets: WebhookTargetObject[];
  repositories: string;
  tags: string;
}

/** What goes with each request, and the address of a channel, are secrets: they are not kept when the page is. */
const withoutSecrets = (one: Draft): Draft => ({ ...one, targets: one.targets.map(({ auth_header: _secret, ...target }) => (target.type === "slack" || target.address?.includes("@") ? { ...target, address: "" } : target)) });

/** Those that the policy has stay. */
const withSecrets = (kept: Partial<Draft>, first: Draft): Draft => ({ ...first, ...kept, targets: (kept.targets ?? first.targets).map((one, index) => ({ ...one, auth_header: first.targets[index]?.auth_header ?? "", address: one.address || (first.targets[index]?.address ?? "") })) });

const patternOf = (one: WebhookSelector | null | undefined) => (one?.pattern === ALL ? "" : (one?.pattern ?? ""));

const draftOf = (policy: WebhookPolicy | null): Draft => ({
  name: policy?.name ?? "", events: policy?.event_types ?? ["PUSH_ARTIFACT"], targets: policy?.targets?.length ? policy.targets : [EMPTY], repositories: patternOf(policy?.repositories), tags: patternOf(policy?.tags),
});

/** The API keeps what is not sent: a pattern that was taken away is sent as one that lets all through. */
function bodyOf(draft: Draft, before: WebhookPolicy | null): WebhookPolicy {
  const pattern = (text: string, was: WebhookSelector | null | undefined) => (text.trim() !== "" ? { kind: was?.kind ?? "doublestar", pattern: text.trim() } : was ? { kind: "doublestar", pattern: ALL } : null);
  return { name: draft.name.trim(), event_types: draft.events, targets: draft.targets, enabled: before?.enabled ?? true, repositories: pattern(draft.repositories, before?.repositories), tags: pattern(draft.tags, before?.tags) };
}

// The form of a registry, made from what the server says of its kind; Test tries what stands in it, unsaved.
import { Button } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Registry, RegistryProviderInfo } from "../api/schema.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { KeptNote, useKept } from "../kit/Draft.tsx";
import { CheckField, PasswordField, SelectField, TextArea, TextField } from "../kit/Field.tsx";
import { number } from "../kit/format.ts";
import { ProblemBox, useConflict } from "../kit/ProblemBox.tsx";
import { kindsQuery, registriesChanged } from "./queries.ts";

interface Values {
  name: string;
  type: string;
  url: string;
  description: string;
  key: string;
  secret: string;
  insecure: boolean;
  ca: string;
}

/** An address, in every language. */
const EXAMPLE = "https://registry.example.com";
const FIRST = "docker-registry";

function valuesOf(one: Registry | undefined): Values {
  return { name: one?.name ?? "", type: one?.type ?? FIRST, url: one?.url ?? "", description: one?.description ?? "", key: one?.credential?.access_key ?? "", secret: "", insecure: one?.insecure ?? false, ca: one?.ca_certificate ?? "" };
}

/** What a kind fixes: its only address, its only key. */
function fixedOf(info: RegistryProviderInfo | undefined): { url?: string; key?: string } {
  const places = info?.endpoint_pattern.endpoints ?? [];
  const url = info?.endpoint_pattern.endpoint_type === "EndpointPatternTypeFix" ? places[0]?.value : undefined;
  const key = info?.credential_pattern.access_key_type === "AccessKeyTypeFix" ? info.credential_pattern.access_key_data : undefined;
  return { ...(url === undefined ? {} : { url }), ...(key === undefined ? {} : { key }) };
}

export function RegistryForm({ registry, onClose }: { registry?: Registry; onClose: () => void }) {
  const t = useTranslate();
  const language = useLanguage();
  const kinds = useQuery(kindsQuery).data;
  const [one, setOne, kept] = useKept<Values>(`registry/${registry?.id ?? "new"}`, valuesOf(registry), ({ secret: _secret, ...rest }) => rest);
  const [wrong, setWrong] = useState<Partial<Record<keyof Values, string>>>({});
  const info = kinds?.[one.type];
  const fixed = fixedOf(info);
  const url = fixed.url ?? one.url.trim();
  const key = fixed.key ?? one.key;
  const places = info?.endpoint_pattern.endpoints ?? [];
  const isFile = info?.credential_pattern.access_secret_type === "AccessSecretTypeFile";
  const plain = { name: one.name.trim(), description: one.description, url, access_key: key, insecure: one.insecure, ca_certificate: one.ca, ...(one.secret ? { access_secret: one.secret } : {}) };
  const save = useMutation({
    mutationFn: async () => {
      if (registry) await call("PUT /registries/{id}", { path: { id: registry.id ?? 0 }, body: { ...plain, credential_type: "basic" } });
      else await call("POST /registries", { body: { name: plain.name, description: one.description, type: one.type, url, insecure: one.insecure, ca_certificate: one.ca, credential: { type: "basic", access_key: one.secret || one.key ? key : "", access_secret: one.secret } } });
    },
    onSuccess: async () => { await registriesChanged(); onClose(); },
  });
  const taken = useConflict(save.error);
  const test = useMutation({
    mutationFn: async () => {
      const began = performance.now();
      await call("POST /registries/ping", { body: { ...plain, access_key: one.secret || one.key || registry ? key : "", credential_type: "basic", type: one.type, ...(registry ? { id: registry.id ?? null } : {}) } });
      return performance.now() - began;
    },
  });
  const change = (part: Partial<Values>) => { setOne({ ...one, ...part }); setWrong({}); if (save.isError) save.reset(); test.reset(); };
  const check = () => {
    const found: Partial<Record<keyof Values, string>> = { ...(plain.name === "" ? { name: t("registries.nameMissing") } : {}), ...(url === "" ? { url: t("registries.urlMissing") } : {}) };
    setWrong(found);
    return Object.keys(found).length === 0;
  };
  const dirty = JSON.stringify(one) !== JSON.stringify(valuesOf(registry)) && !save.isSuccess;
  return (
    <Dialog title={registry ? t("registries.edit.title", { name: registry.name ?? "" }) : t("registries.new.title")} opened onClose={onClose} dirty={dirty}>
      <DialogForm submit={registry ? t("registries.edit.submit") : t("registries.new.submit")} onSubmit={() => { if (check()) save.mutate(); }} onCancel={onClose} busy={save.isPending} error={taken === null ? save.error : null}>
        <KeptNote kept={kept} />
        <SelectField label={t("registries.column.kind")} description={info?.description} searchable disabled={registry !== undefined} value={one.type} data={Object.entries(kinds ?? {}).map(([value, each]) => ({ value, label: each.label }))} onChange={(type) => change({ type: String(type), url: "" })} />
        <TextField label={t("registries.column.name")} value={one.name} error={wrong.name ?? taken} maxLength={255} data-autofocus onChange={(event) => change({ name: event.currentTarget.value })} />
        {places.length > 1 && fixed.url === undefined && <SelectField label={t("registries.field.place")} description={t("registries.field.placeHint")} value={places.some((each) => each.value === one.url) ? one.url : null} data={places.map((each) => ({ value: each.value, label: each.key }))} onChange={(value) => change({ url: String(value) })} />}
        <TextField label={t("registries.column.url")} placeholder={EXAMPLE} type="url" value={url} disabled={fixed.url !== undefined} error={wrong.url} onChange={(event) => change({ url: event.currentTarget.value })} />
        <TextField label={t("registries.field.key")} optional={fixed.key === undefined} value={key} disabled={fixed.key !== undefined} autoComplete="off" onChange={(event) => change({ key: event.currentTarget.value })} />
        {isFile
          ? <TextArea label={t("registries.field.file")} optional={registry !== undefined} maxRows={6} description={registry ? t("registries.field.keeps") : undefined} value={one.secret} onChange={(event) => change({ secret: event.currentTarget.value })} />
          : <PasswordField label={t("registries.field.secret")} optional autoComplete="new-password" description={registry ? t("registries.field.keeps") : undefined} value={one.secret} onChange={(event) => change({ secret: event.currentTarget.value })} />}
        <TextField label={t("registries.field.description")} optional value={one.description} onChange={(event) => change({ description: event.currentTarget.value })} />
        <TextArea label={t("registries.field.ca")} optional description={t("registries.field.caHint")} maxRows={6} value={one.ca} onChange={(event) => change({ ca: event.currentTarget.value })} />
        <CheckField label={t("registries.field.insecure")} description={t("registries.field.insecureHint")} checked={one.insecure} onChange={(event) => change({ insecure: event.currentTarget.checked })} />
        <div className="row">
          <Button variant="default" onClick={() => { if (url === "") check(); else test.mutate(); }} loading={test.isPending}>{t("registries.test")}</Button>
          <span role="status">{test.isSuccess && <Chip tone="ok" icon={IconCheck}>{t("registries.tested", { ms: number(Math.round(test.data), language) })}</Chip>}</span>
        </div>
        {test.error && <ProblemBox error={test.error} title={t("registries.failed")} />}
      </DialogForm>
    </Dialog>
  );
}

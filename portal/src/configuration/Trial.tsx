// Try an outside service with what stands in the fields, unsaved: what was found, step by step where there are steps.
import { Button } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import type { LdapPingResult } from "../api/schema.ts";
import { useErrorTexts, useLanguage, useTranslate, useTranslator } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Chip } from "../kit/Chip.tsx";
import { number } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import classes from "./configuration.module.css";
import type { Values } from "./items.ts";

export type Service = "ldap" | "oidc" | "syslog";

/** What the server is asked; the directory tells its steps, the others are well or refuse. */
async function ask(service: Service, values: Values): Promise<Pick<LdapPingResult, "steps" | "success" | "message" | "reason"> & { milliseconds: number }> {
  const text = (name: string) => String(values[name] ?? "");
  const began = performance.now();
  if (service === "ldap") {
    const password = text("ldap_search_password");
    const { data } = await call("POST /ldap/ping", {
      body: {
        ldap_url: text("ldap_url"), ldap_search_dn: text("ldap_search_dn"), ...(password ? { ldap_search_password: password } : {}), ldap_base_dn: text("ldap_base_dn"), ldap_filter: text("ldap_filter"), ldap_uid: text("ldap_uid"), ldap_scope: Number(values["ldap_scope"]),
        ldap_connection_timeout: Number(values["ldap_timeout"]), ldap_verify_cert: values["ldap_verify_cert"] === true, ldap_start_tls: values["ldap_start_tls"] === true, ldap_ca_certificate: text("ldap_ca_certificate"),
      },
    });
    return { ...data, milliseconds: performance.now() - began };
  }
  if (service === "oidc") await call("POST /system/oidc/ping", { body: { url: text("oidc_endpoint"), verify_cert: values["oidc_verify_cert"] === true, ca_certificate: text("oidc_ca_certificate") } });
  else await call("POST /system/syslog/ping", { body: { endpoint: text("audit_log_forward_endpoint"), tls: values["audit_log_forward_tls"] === true, ca_certificate: text("audit_log_forward_ca_certificate") } });
  return { steps: [], success: true, message: "", reason: "", milliseconds: performance.now() - began };
}

/** `onRefused`: an error that belongs to a field is shown there; true: it was. `asked`: it tries by itself when this becomes another number than 0. */
export function Trial({ service, values, onRefused, asked }: { service: Service; values: Values; onRefused: (error: unknown) => boolean; asked: number }) {
  const t = useTranslate();
  const language = useLanguage();
  const [atField, setAtField] = useState(false);
  const test = useMutation({ mutationFn: () => ask(service, values), onError: (error) => setAtField(asProblem(error).reason === "CONFIGURATION_INVALID" && onRefused(error)) });
  const { mutate } = test;
  useEffect(() => {
    if (asked !== 0) mutate();
  }, [asked, mutate]);
  const found = test.data;
  return (
    <div className="stack" data-trial={service}>
      <div className="row">
        <Button variant="default" loading={test.isPending} onClick={() => test.mutate()}>{t(`configuration.test.${service}` as Key)}</Button>
        <span aria-live="polite">
          {found?.success && <Chip tone="ok" icon={IconCheck}>{t("configuration.test.well", { ms: number(Math.round(found.milliseconds), language) })}</Chip>}
          {found && !found.success && <Chip tone="danger" icon={IconX}>{t("configuration.test.failed")}</Chip>}
        </span>
      </div>
      {found && found.steps.length > 0 && (
        <ol className={classes["steps"]}>
          {found.steps.map((one) => (
            <li key={one.name}>
              {one.success ? <IconCheck size={16} stroke={1.5} className={classes["good"]} role="img" aria-label={t("configuration.test.good")} /> : <IconX size={16} stroke={1.5} className={classes["bad"]} role="img" aria-label={t("configuration.test.bad")} />}
              <span>{t(`configuration.step.${one.name}` as Key)}</span>
              <span className="small muted figures">{t("configuration.test.took", { ms: number(Math.round(one.milliseconds * 10) / 10, language) })}</span>
              {one.success ? one.message && <bdi lang="en" className="muted small">{one.message}</bdi> : <Failure reason={one.reason} message={one.message} />}
            </li>
          ))}
        </ol>
      )}
      {found && !found.success && found.steps.every((one) => one.success) && <Failure reason={found.reason} message={found.message} />}
      {test.error && !atField && <ProblemBox error={test.error} title={t("configuration.test.failed")} />}
    </div>
  );
}

/** Why a step failed, in the reader's language by its code, with the server's own sentence below; else that sentence alone. */
function Failure({ reason, message }: { reason: string; message: string }) {
  const translator = useTranslator();
  const text = useErrorTexts(reason !== "") && reason !== "" ? translator.find(`refusals.${reason}`) : undefined;
  if (text === undefined) return message ? <bdi lang="en">{message}</bdi> : null;
  return <span>{text}{message && <> <bdi lang="en" className="small muted">{message}</bdi></>}</span>;
}

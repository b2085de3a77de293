// What went wrong: what happened, what to do, and the id of the request, with what the server said below "Details".
import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { asProblem, type Problem } from "../api/problem.ts";
import { loadErrorTexts, useErrorTexts, useLanguage, useTranslate, useTranslator } from "../i18n/hooks.ts";
import type { Key, Translator, Values } from "../i18n/translator.ts";
import { bytes, listed, number } from "./format.ts";
import classes from "./kit.module.css";
import { Copy } from "./values.tsx";

/** Reasons whose words say what to look at, and not which of it is wrong: what the server says stands beside them. */
const WIDE = new Set([
  "ACCESS_TOKEN_INVALID", "ADDITION_INVALID", "ARCHIVE_INVALID", "ARCHIVE_LIMIT", "CONFIGURATION_INVALID", "CRON_INVALID", "MEMBER_INVALID", "METADATA_INVALID", "MIRROR_INVALID", "OIDC_SETTINGS_INVALID", "QUERY_INVALID", "RECEIVER_UNUSABLE",
  "REGISTRY_INVALID", "REGISTRY_UNHEALTHY", "REMOTE_DENIED", "REMOTE_MISBEHAVED", "REMOTE_REFUSED", "REMOTE_UNAVAILABLE", "REPLICATION_INVALID", "RESTORE_NAME_INVALID", "RULE_INVALID", "SELECTOR_INVALID", "TARGET_REFUSED", "UPSTREAM_FAILED", "WEBHOOK_INVALID",
]);

/** By the status, where neither the reason nor the code has words. */
const BY_STATUS: Record<number, Key> = { 401: "problems.signIn", 403: "problems.denied", 404: "problems.missing", 405: "problems.conflict", 409: "problems.conflict", 412: "problems.conflict", 429: "problems.busy", 503: "problems.unavailable" };

/** What a refusal names, as the language writes it: `…_bytes` as a size, numbers with separators, lists. */
function valuesOf(problem: Problem, language: string): Values {
  const said = ([name, one]: [string, unknown]): [string, string][] => {
    if (typeof one === "string") return [[name, one]];
    if (typeof one === "number") return [[name, name.endsWith("_bytes") ? bytes(one, language) : number(one, language)]];
    return Array.isArray(one) ? [[name, listed(one.map(String), language)]] : [];
  };
  return { ...Object.fromEntries(Object.entries(problem.detail).flatMap(said)), wait: problem.wait };
}

/** The words of one name of a refusal; "": it has none, or they name something that this refusal does not. */
function wordsOf(name: unknown, values: Values, translator: Translator): string {
  if (typeof name !== "string") return "";
  const text = translator.template(`refusals.${name}`) ?? "";
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].every((one) => (one[1] as string) in values) ? translator.fill(text, values) : "";
}

/** Whether the server's own sentence says more than our words for it. */
const saysMore = (problem: Problem): boolean => problem.message !== "" && problem.status >= 400 && problem.status < 500 && typeof problem.detail["which"] !== "string" && (WIDE.has(problem.reason) || problem.status === 400 || problem.status === 422);

/** What went wrong in our own words, with what can be done: by the reason, else by the status. */
export function saidOf(problem: Problem, translator: Translator): string {
  const { language, translate: t } = translator;
  const known: Record<string, Key> = {
    OFFLINE: "problems.offline", PAGE_FAILED: "problems.page", CREDENTIALS_INVALID: "problems.credentials", LOGIN_THROTTLED: "problems.throttled",
    CSRF_TOKEN_INVALID: "problems.csrf", READ_ONLY: "problems.readOnly",
    ACCOUNT_DISABLED: "problems.disabled", DIRECTORY_UNAVAILABLE: "problems.directory", LOGIN_BUSY: "problems.loginBusy", NAME_TAKEN: "problems.nameTaken", OIDC_OFF: "problems.providerOff", OIDC_REFUSED: "problems.providerRefused",
    OIDC_ANSWER_INVALID: "problems.providerAnswer", OIDC_STATE_INVALID: "problems.providerState", OIDC_UNAVAILABLE: "problems.providerAway", SESSIONS_UNAVAILABLE: "problems.sessions", SIGN_UPS_THROTTLED: "problems.signUps",
  };
  const values = valuesOf(problem, language);
  const finer = wordsOf(problem.detail["which"], values, translator);
  if (finer !== "") return finer;
  const key = known[problem.reason] ?? known[problem.code];
  const time = new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(problem.at.getTime() + problem.wait * 1000);
  if (key !== undefined) return t(key, { wait: problem.wait, time });
  const worded = wordsOf(problem.reason, values, translator) || wordsOf(problem.code, values, translator);
  if (worded !== "") return worded;
  const byStatus = BY_STATUS[problem.status] ?? (problem.status >= 500 ? "problems.server" : problem.status >= 400 ? "problems.refused" : "problems.unknown");
  return t(byStatus, { wait: problem.wait });
}

/** `saidOf` for a part of the page that says more than one: its words are asked for as soon as `wanted`. */
export function useSaidOf(wanted: boolean): (problem: Problem) => string {
  const translator = useTranslator();
  useLanguage();
  const ready = useErrorTexts(wanted);
  return (problem) => (ready ? saidOf(problem, translator) : "");
}

/** The same for what an event sets, such as the error of a field. */
export function useSay(): (problem: Problem) => Promise<string> {
  const translator = useTranslator();
  return async (problem) => {
    await loadErrorTexts(translator);
    return saidOf(problem, translator);
  };
}

/** That a name is taken, in words for its field; null: it is something else. */
export function useConflict(error: unknown): string | null {
  const translator = useTranslator();
  useLanguage();
  return error === null || asProblem(error).status !== 409 ? null : saidOf(asProblem(error), translator);
}

/** An error at the thing it concerns. `onRetry` only for reads: nothing that changes is sent again by itself. */
export function ProblemBox({ error, onRetry, title, isList = false }: { error: unknown; onRetry?: () => void; title?: string; isList?: boolean }) {
  const t = useTranslate();
  const problem = asProblem(error);
  const own = useSaidOf(problem.status > 0)(problem);
  const isBug = isList && problem.status === 500 && problem.requestId !== "";
  const said = isBug ? t("problems.list", { id: problem.requestId.slice(-12) }) : own;
  return (
    <div className={classes["problem"]} role="alert">
      <IconAlertTriangle size={16} stroke={1.5} aria-hidden className={classes["problemIcon"]} />
      <div className="stack">
        {title && <strong>{title}</strong>}
        <p>{said}</p>
        {said !== "" && saysMore(problem) && <p className="small muted" lang="en"><bdi>{problem.message}</bdi></p>}
        <div className="row">
          {onRetry && <Button size="xs" variant="default" onClick={onRetry}>{t("problems.retry")}</Button>}
          {problem.requestId && <span className="row small">{t("problems.request")} <code translate="no">{problem.requestId.slice(-12)}</code> <Copy text={problem.requestId} label={t("problems.copyRequest")} /></span>}
        </div>
        {problem.status > 0 && (
          <details className="small">
            <summary>{t("problems.details")}</summary>
            <pre className={classes["block"]}>{problem.block}</pre>
            <Copy text={problem.block} label={t("problems.copyDetails")} />
          </details>
        )}
      </div>
    </div>
  );
}

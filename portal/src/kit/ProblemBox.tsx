// What went wrong: what happened, what to do, and the id of the request, with what the server said below "Details".
import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { asProblem, type Problem } from "../api/problem.ts";
import { useLanguage, useWords, type Key, type Translate } from "../app/words.ts";
import classes from "./kit.module.css";
import { Copy } from "./show.tsx";

/** Reasons of the server that have words by themselves, with the values that its refusal brings. */
type Worded = Extract<Key, `problems.reason.${string}`>;

/** Our own words for a reason of the server; null: it has none, its message is shown. */
export function saidOf(problem: Problem, t: Translate, language: string): string | null {
  const known: Record<string, Key> = {
    OFFLINE: "problems.offline", PAGE_FAILED: "problems.page", CREDENTIALS_INVALID: "problems.credentials", LOGIN_THROTTLED: "problems.throttled",
    CSRF_TOKEN_INVALID: "problems.csrf", READ_ONLY: "problems.readOnly",
    ACCOUNT_DISABLED: "problems.disabled", DIRECTORY_UNAVAILABLE: "problems.directory", LOGIN_BUSY: "problems.loginBusy", NAME_TAKEN: "problems.nameTaken", OIDC_OFF: "problems.providerOff", OIDC_REFUSED: "problems.providerRefused",
    OIDC_ANSWER_INVALID: "problems.providerAnswer", OIDC_STATE_INVALID: "problems.providerState", OIDC_UNAVAILABLE: "problems.providerAway", SESSIONS_UNAVAILABLE: "problems.sessions", SIGN_UPS_THROTTLED: "problems.signUps", USER_NAME_INVALID: "problems.userName",
  };
  const key = known[problem.reason] ?? known[problem.code];
  const time = new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(problem.at.getTime() + problem.wait * 1000);
  if (key !== undefined) return t(key, { wait: problem.wait, time });
  const values = Object.fromEntries(Object.entries(problem.detail).filter((one): one is [string, string] => typeof one[1] === "string"));
  const worded = t(`problems.reason.${problem.reason}` as Worded, { ...values, wait: problem.wait, defaultValue: "" });
  if (worded !== "") return worded;
  const byStatus: Record<number, Key> = { 401: "problems.signIn", 403: "problems.denied", 404: "problems.missing", 429: "problems.busy", 503: "problems.unavailable" };
  if (problem.status in byStatus && problem.message === "") return t(byStatus[problem.status] as Key, { wait: problem.wait });
  return problem.status >= 500 && problem.status !== 503 ? t("problems.server") : null;
}

/** An error at the thing it concerns. `onRetry` only for reads: nothing that changes is sent again by itself. */
export function ProblemBox({ error, onRetry, title }: { error: unknown; onRetry?: () => void; title?: string }) {
  const t = useWords();
  const problem = asProblem(error);
  const own = saidOf(problem, t, useLanguage());
  return (
    <div className={classes["problem"]} role="alert">
      <IconAlertTriangle size={16} stroke={1.5} aria-hidden className={classes["problemIcon"]} />
      <div className="stack">
        {title && <strong>{title}</strong>}
        <p>{own ?? (problem.message || t("problems.unknown"))}</p>
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

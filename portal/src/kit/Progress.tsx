// A bar with its words: how much of what. And bytes, own and shared, as one bar.
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { bytes, percent } from "./format.ts";
import classes from "./kit.module.css";

/** `part` from 0 to 1, or null where the whole is not known. `label` names it, `text` says it ("128 of 210 artifacts"). */
export function Progress({ part, label, text, tone = "accent" }: { part: number | null; label: string; text: string; tone?: "accent" | "warn" | "danger" }) {
  const share = part === null ? null : Math.min(1, Math.max(0, part));
  return (
    <div className={classes["progress"]}>
      <div
        className={classes["track"]} role="progressbar" aria-label={label} aria-valuetext={text} aria-valuemin={0} aria-valuemax={100}
        {...(share === null ? {} : { "aria-valuenow": Math.round(share * 100) })} data-tone={tone} data-unknown={share === null || undefined}
      >
        <span className={classes["bar"]} style={{ inlineSize: share === null ? undefined : `${share * 100}%` }} />
      </div>
      <span className="small muted figures">{text}</span>
    </div>
  );
}

/** Used of a limit, as a bar that warns from 85 % on; without a limit only the bytes. */
export function Quota({ used, limit, label }: { used: number; limit: number; label: string }) {
  const t = useTranslate();
  const language = useLanguage();
  if (limit < 0) return <span className="figures">{bytes(used, language)}</span>;
  const share = limit === 0 ? 1 : used / limit;
  const text = t("kit.quota.of", { used: bytes(used, language), limit: bytes(limit, language) });
  return <Progress part={share} label={label} text={text} tone={share >= 1 ? "danger" : share >= 0.85 ? "warn" : "accent"} />;
}

/** Bytes that only this holds, and those that others hold too, against the largest of the list. */
export function OwnShared({ own, shared, most }: { own: number; shared: number; most: number }) {
  const t = useTranslate();
  const language = useLanguage();
  const whole = Math.max(1, most);
  const said = t("kit.own.said", { own: bytes(own, language), shared: bytes(shared, language), share: percent(own / Math.max(1, own + shared), language) });
  return (
    <span className={classes["own"]} title={said}>
      <span className={classes["ownBar"]} aria-hidden>
        <span className={classes["ownOwn"]} style={{ inlineSize: `${(own / whole) * 100}%` }} />
        <span className={classes["ownShared"]} style={{ inlineSize: `${(shared / whole) * 100}%` }} />
      </span>
      <span className="figures">{bytes(own, language)}</span>
      {shared > 0 && <span className="small muted figures">{t("kit.own.shared", { shared: bytes(shared, language) })}</span>}
    </span>
  );
}

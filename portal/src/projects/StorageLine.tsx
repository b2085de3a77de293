// What eats the space: the largest projects as parts of one line, with their names and figures below it.
import { Link } from "@tanstack/react-router";
import { places } from "../app/paths.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { bytes, number } from "../kit/format.ts";
import { Name } from "../kit/values.tsx";
import type { Quota } from "../api/schema.ts";
import classes from "./projects.module.css";

const MOST = 3;

/** `quotas`: by size, the largest first, at most the first hundred of `total` projects. */
export function StorageLine({ quotas, total }: { quotas: readonly Quota[]; total: number }) {
  const t = useTranslate();
  const language = useLanguage();
  const used = (one: Quota) => one.used["storage"] ?? 0;
  const all = quotas.reduce((sum, one) => sum + used(one), 0);
  const shown = quotas.slice(0, MOST).filter((one) => used(one) > 0);
  if (shown.length < 2) return null; // one project needs no comparison
  const rest = all - shown.reduce((sum, one) => sum + used(one), 0);
  const others = total - shown.length;
  return (
    <div className={classes["storage"]}>
      <span className={classes["line"]} aria-hidden>
        {shown.map((one, index) => <span key={one.id} data-part={index + 1} style={{ inlineSize: `${(used(one) / all) * 100}%` }} />)}
        {rest > 0 && <span data-part="rest" style={{ inlineSize: `${(rest / all) * 100}%` }} />}
      </span>
      <ul aria-label={t("projects.figures.byProject")}>
        {shown.map((one, index) => <li key={one.id}><span className={classes["mark"]} data-part={index + 1} aria-hidden /><Link to={places.project(one.ref.name)}><Name>{one.ref.name}</Name></Link> <span className="muted figures">{bytes(used(one), language)}</span></li>)}
        {others > 0 && rest > 0 && <li><span className={classes["mark"]} data-part="rest" aria-hidden /><Link to="/admin/usage">{t("usage.others", { count: others, n: number(others, language) })}</Link> <span className="muted figures">{bytes(rest, language)}</span></li>}
      </ul>
    </div>
  );
}

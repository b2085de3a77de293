// What could not be done to some of several things: each by its name, with why and the request's id.
import type { Problem } from "../api/problem.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { useSaidOf } from "./ProblemBox.tsx";
import { Name } from "./values.tsx";
import classes from "./kit.module.css";

export interface RefusedOne {
  name: string;
  problem: Problem;
  /** Words of the page's own for it. */
  why?: string | null;
}

export function Refused({ title, left }: { title: string; left: RefusedOne[] }) {
  const t = useTranslate();
  const said = useSaidOf(true);
  return (
    <div role="alert" className="stack">
      <p>{title}</p>
      <ul className={`${classes["names"] ?? ""} ${classes["left"] ?? ""}`}>
        {left.map(({ name, problem, why }) => (
          <li key={name}>
            <Name mono>{name}</Name><br />
            <bdi>{why ?? said(problem)}</bdi>
            {problem.requestId !== "" && <> <span className="small muted">{t("problems.request")} <code translate="no">{problem.requestId.slice(-12)}</code></span></>}
          </li>
        ))}
      </ul>
    </div>
  );
}

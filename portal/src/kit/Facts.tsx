// Names and their values, aligned.
import { Fragment, type ReactNode } from "react";
import classes from "./kit.module.css";

/** Rows without a value are left out. */
export function Facts({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <dl className={classes["facts"]}>
      {rows.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => <Fragment key={name}><dt>{name}</dt><dd>{value}</dd></Fragment>)}
    </dl>
  );
}

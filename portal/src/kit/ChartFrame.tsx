// What every chart has around it: its title, what it says in a sentence, and the same figures as a table.
import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import classes from "./chart.module.css";

/** `heads` and `rows` are the table; its first column names the rows. `children` is the drawing. */
export function ChartFrame({ title, summary, heads, rows, aside, children }: { title: string; summary: ReactNode; heads: string[]; rows: ReactNode[][]; aside?: ReactNode; children: ReactNode }) {
  const t = useTranslate();
  const [table, setTable] = useState(false);
  return (
    <section className="panel stack" aria-label={title}>
      <div className="row">
        <h2>{title}</h2>
        <span className="grow" />
        {aside}
        <Button size="xs" variant="subtle" onClick={() => setTable(!table)} data-no-print>{table ? t("kit.chart.asChart") : t("kit.chart.asTable")}</Button>
      </div>
      <p className="muted small">{summary}</p>
      {table ? (
        <div className={classes["scroll"]} tabIndex={0} role="group" aria-label={title}>
          <table className={classes["table"]}>
            <thead><tr>{heads.map((one, index) => <th key={one} scope="col" data-figure={index > 0 || undefined}>{one}</th>)}</tr></thead>
            <tbody>{rows.map((row, index) => <tr key={index}>{row.map((cell, at) => (at === 0 ? <th key={at} scope="row">{cell}</th> : <td key={at} data-figure>{cell}</td>))}</tr>)}</tbody>
          </table>
        </div>
      ) : children}
    </section>
  );
}

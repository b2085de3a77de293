// What a run would bring back, and why not the rest.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { bytes, date, timeOf } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Bytes } from "../kit/values.tsx";
import { reclaimableQuery, storedQuery } from "./queries.ts";
import classes from "./gc.module.css";

export function ReclaimablePanel() {
  const t = useTranslate();
  const language = useLanguage();
  const query = useQuery(reclaimableQuery);
  const stored = useQuery(storedQuery).data;
  const found = query.data;
  if (query.error && !found) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  const until = timeOf(found?.trash_until);
  const reasons: [string, ReactNode][] = [];
  if (found && found.trash_entries > 0) {
    const size = bytes(found.trash_bytes, language);
    reasons.push(["trash", <>{until ? t("gc.reason.trashUntil", { bytes: size, count: found.trash_entries, date: date(until, language) }) : t("gc.reason.trash", { bytes: size, count: found.trash_entries })} <Link to={"/trash" as string}>{t("gc.reason.openTrash")}</Link></>]);
  }
  if (found && found.leased_bytes > 0) reasons.push(["leased", t("gc.reason.leased", { bytes: bytes(found.leased_bytes, language), count: found.leased_blobs })]);
  if (found && found.uploads > 0) reasons.push(["uploads", t("gc.reason.uploads", { bytes: bytes(found.upload_bytes, language), count: found.uploads })]);
  return (
    <section className={`panel ${classes["figures"]}`} aria-label={t("gc.reclaimable.title")} aria-busy={!found}>
      <div>
        <p className="muted">{t("gc.reclaimable.title")}</p>
        <p className="display">{found ? <Bytes value={found.bytes} /> : "\u00a0"}</p>
        <p className="muted">{stored !== undefined ? t("gc.reclaimable.of", { bytes: bytes(stored, language) }) : "\u00a0"}</p>
      </div>
      <div className="stack">
        <p className="muted">{t("gc.reclaimable.why")}</p>
        <ul className={classes["reasons"]}>
          {reasons.map(([key, said]) => <li key={key}>{said}</li>)}
          {found && reasons.length === 0 && <li>{t("gc.reason.used")}</li>}
          <li className="muted">{t("gc.reason.untagged")}</li>
        </ul>
      </div>
    </section>
  );
}

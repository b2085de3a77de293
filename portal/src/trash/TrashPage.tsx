// What can still be saved, and until when?
import { useUser } from "../app/session.tsx";
import { Failed } from "../app/guards.tsx";
import { Problem } from "../api/problem.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Page } from "../kit/Page.tsx";
import { TrashTable } from "./TrashTable.tsx";

export default function TrashPage() {
  const t = useTranslate();
  const user = useUser();
  if (user === null) return <Failed error={new Problem(401, "UNAUTHORIZED", "", "", {})} />;
  return <Page title={t("trash.title")}><TrashTable /></Page>;
}

// What can still be saved, and until when?
import { useUser } from "../app/session.tsx";
import { Failed } from "../app/states.tsx";
import { Problem } from "../api/problem.ts";
import { useWords } from "../app/words.ts";
import { Page } from "../kit/Page.tsx";
import { TrashTable } from "./TrashTable.tsx";

export default function TrashPage() {
  const t = useWords();
  const user = useUser();
  if (user === null) return <Failed error={new Problem(401, "UNAUTHORIZED", "", "", {})} />;
  return <Page title={t("trash.title")}><TrashTable /></Page>;
}

// Where a provider sends the window that was opened for signing in again: the other tabs learn who came, and it closes.
import { useEffect, useState } from "react";
import { signedIn } from "../app/session.tsx";
import { useWords } from "../app/words.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Entry } from "./Entry.tsx";

export default function ReturnedPage() {
  const t = useWords();
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    signedIn().then(() => window.close(), setError);
  }, []);
  return <Entry title={t("identity.returned.title")}>{error === null ? <p>{t("identity.returned.said")}</p> : <ProblemBox error={error} />}</Entry>;
}

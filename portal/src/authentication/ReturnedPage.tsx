// Where a provider sends the window that was opened for signing in again: the other tabs learn who came, and it closes.
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { whoNow } from "../api/client.ts";
import { signedIn } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Entry } from "./Entry.tsx";

export default function ReturnedPage() {
  const t = useTranslate();
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const look = async () => {
      if ((await whoNow()).user === null) await navigate({ to: "/sign-in", replace: true });
      else await signedIn().then(() => window.close());
    };
    look().catch(setError);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return <Entry title={t("identity.returned.title")}>{error === null ? <p>{t("identity.returned.said")}</p> : <ProblemBox error={error} />}</Entry>;
}

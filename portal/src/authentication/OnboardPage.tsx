// Which name will I have? For whoever comes through a provider for the first time.
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { submitJson } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import { home } from "../app/startPage.ts";
import { safeNext } from "../app/paths.ts";
import { useSearch } from "../app/search.ts";
import { signedIn } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { TextField } from "../kit/Field.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Entry } from "./Entry.tsx";
import { Provider } from "./Provider.tsx";

export default function OnboardPage() {
  const t = useTranslate();
  const navigate = useNavigate();
  const [search] = useSearch();
  const [next] = useState(() => safeNext(search["next"]));
  const [name, setName] = useState(search["username"] ?? "");
  const [wrong, setWrong] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await submitJson("/c/oidc/onboard", { username: name });
      await signedIn();
      await navigate({ href: next === "/" ? await home() : next, replace: true });
    } catch (thrown) {
      const { reason } = asProblem(thrown);
      if (reason === "NAME_TAKEN") setWrong(t("identity.name.taken", { name }));
      else if (reason === "USER_NAME_INVALID") setWrong(t("identity.name.rule"));
      else setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  const isOver = asProblem(error).reason === "OIDC_STATE_INVALID";
  return (
    <Entry title={t("identity.onboard.title")}>
      <p>{t("identity.onboard.said")}</p>
      <form className="stack" onSubmit={(event) => void send(event)} noValidate>
        <TextField label={t("users.column.name")} name="username" autoComplete="username" autoCapitalize="none" autoFocus description={t("identity.name.rule")} value={name} error={wrong} maxLength={255} onChange={(event) => { setName(event.currentTarget.value); setWrong(null); }} />
        {error !== null && <ProblemBox error={error} />}
        {isOver ? <Provider next={next} /> : <Button type="submit" loading={busy} fullWidth>{t("identity.onboard.submit")}</Button>}
      </form>
    </Entry>
  );
}

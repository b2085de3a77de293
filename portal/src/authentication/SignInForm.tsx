// The form for name and password: on its page, and in the dialog over a page whose session has ended.
import { Button } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { signIn } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { PasswordField, TextField } from "../kit/TextField.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import classes from "../app/shell.module.css";

const KEPT = "moorage-name";

function keptName(): string {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

export function SignInForm({ name: given, onDone }: { name?: string; onDone: () => void }) {
  const t = useTranslate();
  const [name, setName] = useState(given ?? keptName());
  const [password, setPassword] = useState("");
  const [keep, setKeep] = useState(keptName() !== "");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [missing, setMissing] = useState<{ name?: string; password?: string }>({});
  const send = (event: FormEvent) => {
    event.preventDefault();
    const lacks = { ...(name === "" ? { name: t("identity.signIn.nameMissing") } : {}), ...(password === "" ? { password: t("identity.signIn.passwordMissing") } : {}) };
    setMissing(lacks);
    if (busy || Object.keys(lacks).length > 0) return;
    setBusy(true);
    setError(null);
    try {
      if (keep) localStorage.setItem(KEPT, name);
      else localStorage.removeItem(KEPT);
    } catch { /* not kept, then */ }
    signIn(name, password).then(onDone, setError).finally(() => setBusy(false));
  };
  return (
    <form className="stack" onSubmit={send} noValidate>
      <TextField label={t("identity.signIn.name")} name="username" autoComplete="username" value={name} error={missing.name} autoFocus={name === ""} {...(given === undefined ? {} : { "data-autofocus": given === "" || undefined })} onChange={(event) => { setName(event.currentTarget.value); setMissing({}); }} autoCapitalize="none" />
      <PasswordField label={t("identity.signIn.password")} name="password" autoComplete="current-password" value={password} error={missing.password} autoFocus={name !== ""} {...(given ? { "data-autofocus": true } : {})} onChange={(event) => { setPassword(event.currentTarget.value); setMissing({}); }} />
      <label className={classes["keepName"]}><input type="checkbox" checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />{t("identity.signIn.keepName")}</label>
      {error !== null && <ProblemBox error={error} />}
      <Button type="submit" loading={busy} fullWidth>{t("identity.signIn.action")}</Button>
    </form>
  );
}

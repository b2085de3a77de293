// Change one's own password. Every session ends by it; this one begins again with the new password.
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { call } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import type { UserResp } from "../api/schema.ts";
import { signIn } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { PasswordField } from "../kit/Field.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { toast } from "../kit/toast.tsx";
import { isPassword } from "./queries.ts";
import classes from "./account.module.css";

export function PasswordForm({ user, onDone }: { user: UserResp; onDone?: () => void }) {
  const t = useTranslate();
  const [old, setOld] = useState("");
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<{ old?: string; text?: string }>({});
  const change = useMutation({
    mutationFn: async () => {
      await call("PUT /users/{user_id}/password", { path: { user_id: user.user_id }, body: { old_password: old, new_password: text } });
      await signIn(user.username, text);
    },
    onSuccess: () => {
      setOld("");
      setText("");
      toast(t("account.password.done"));
      onDone?.();
    },
    onError: (error) => { if (asProblem(error).reason === "CREDENTIALS_INVALID" || asProblem(error).status === 403) setWrong({ old: t("account.password.wrong") }); },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    const found = { ...(old === "" ? { old: t("account.password.oldMissing") } : {}), ...(isPassword(text) ? {} : { text: t("users.password.rule") }) };
    setWrong(found);
    if (Object.keys(found).length === 0 && !change.isPending) change.mutate();
  };
  return (
    <form className={`stack ${classes["form"]}`} onSubmit={send} noValidate>
      <input type="text" autoComplete="username" value={user.username} readOnly hidden />
      <PasswordField label={t("account.password.old")} autoComplete="current-password" value={old} error={wrong.old} onChange={(event) => { setOld(event.currentTarget.value); setWrong({}); }} />
      <PasswordField label={t("users.password.new")} description={wrong.text === undefined && t("users.password.rule")} autoComplete="new-password" value={text} error={wrong.text} onChange={(event) => { setText(event.currentTarget.value); setWrong({}); }} />
      {change.error && wrong.old === undefined && <ProblemBox error={change.error} />}
      <div><Button type="submit" variant="default" loading={change.isPending}>{t("account.password.submit")}</Button></div>
    </form>
  );
}

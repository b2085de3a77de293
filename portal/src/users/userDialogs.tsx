// Make, change and delete an account. Passwords are checked by the server's rule before they are sent, and kept nowhere.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { UserResp } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { KeptNote, useKept } from "../kit/Draft.tsx";
import { PasswordField, TextField } from "../kit/Field.tsx";
import { Final } from "../kit/ConfirmByName.tsx";
import { useSay } from "../kit/ProblemBox.tsx";
import { isPassword, setLock, usersChanged } from "./queries.ts";

export function NewUser({ onClose }: { onClose: () => void }) {
  const t = useTranslate();
  const [one, setOne, kept] = useKept("user", { username: "", realname: "", email: "", password: "" }, ({ password: _password, ...rest }) => rest);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const say = useSay();
  const make = useMutation({
    mutationFn: () => call("POST /users", { body: { ...one, comment: "" } }),
    onSuccess: async () => { await usersChanged(); onClose(); },
    onError: (error) => { if (error instanceof Problem && error.status === 409) void say(error).then((text) => setWrong({ username: text })); },
  });
  const change = (name: keyof typeof one) => (event: { currentTarget: { value: string } }) => { setOne({ ...one, [name]: event.currentTarget.value }); setWrong({}); };
  const send = () => {
    const found = { ...(one.username.trim() === "" ? { username: t("users.new.nameMissing") } : {}), ...(one.realname.trim() === "" ? { realname: t("users.new.realnameMissing") } : {}), ...(one.email.includes("@") ? {} : { email: t("users.new.emailMissing") }), ...(isPassword(one.password) ? {} : { password: t("users.password.rule") }) };
    setWrong(found);
    if (Object.keys(found).length === 0) make.mutate();
  };
  const known = make.error instanceof Problem && make.error.status === 409;
  return (
    <Dialog title={t("users.new.title")} opened onClose={onClose} dirty={Object.values(one).some((text) => text !== "") && !make.isSuccess}>
      <DialogForm submit={t("users.new.submit")} onSubmit={send} onCancel={onClose} busy={make.isPending} error={known ? null : make.error}>
        <KeptNote kept={kept} />
        <TextField label={t("users.column.name")} value={one.username} error={wrong["username"]} data-autofocus maxLength={255} onChange={change("username")} />
        <TextField label={t("users.column.realname")} value={one.realname} error={wrong["realname"]} onChange={change("realname")} />
        <TextField label={t("users.column.email")} type="email" value={one.email} error={wrong["email"]} onChange={change("email")} />
        <PasswordField label={t("users.password.new")} description={t("users.password.rule")} autoComplete="new-password" value={one.password} error={wrong["password"]} onChange={change("password")} />
      </DialogForm>
    </Dialog>
  );
}

export function PasswordDialog({ user, onClose }: { user: UserResp; onClose: () => void }) {
  const t = useTranslate();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const set = useMutation({ mutationFn: () => call("PUT /users/{user_id}/password", { path: { user_id: user.user_id }, body: { new_password: text } }), onSuccess: onClose });
  return (
    <Dialog title={t("users.password.title", { name: user.username })} opened onClose={onClose} dirty={text !== "" && !set.isSuccess}>
      <DialogForm submit={t("users.password.submit")} onSubmit={() => (isPassword(text) ? set.mutate() : setWrong(true))} onCancel={onClose} busy={set.isPending} error={set.error}>
        <PasswordField label={t("users.password.new")} description={t("users.password.rule")} autoComplete="new-password" value={text} error={wrong ? t("users.password.rule") : null} data-autofocus onChange={(event) => { setText(event.currentTarget.value); setWrong(false); }} />
        <p className="muted">{t("users.password.ends")}</p>
      </DialogForm>
    </Dialog>
  );
}

export function ProfileDialog({ user, onClose }: { user: UserResp; onClose: () => void }) {
  const t = useTranslate();
  const was = { realname: user.realname ?? "", email: user.email ?? "", comment: user.comment ?? "" };
  const [one, setOne] = useState(was);
  const save = useMutation({ mutationFn: () => call("PUT /users/{user_id}", { path: { user_id: user.user_id }, body: one }), onSuccess: async () => { await usersChanged(); onClose(); } });
  const change = (name: keyof typeof one) => (event: { currentTarget: { value: string } }) => setOne({ ...one, [name]: event.currentTarget.value });
  return (
    <Dialog title={t("users.profile.title", { name: user.username })} opened onClose={onClose} dirty={JSON.stringify(one) !== JSON.stringify(was) && !save.isSuccess}>
      <DialogForm submit={t("users.profile.submit")} onSubmit={() => save.mutate()} onCancel={onClose} busy={save.isPending} error={save.error}>
        <TextField label={t("users.column.realname")} value={one.realname} data-autofocus onChange={change("realname")} />
        <TextField label={t("users.column.email")} type="email" value={one.email} onChange={change("email")} />
        <TextField label={t("users.column.comment")} optional maxLength={30} value={one.comment} onChange={change("comment")} />
      </DialogForm>
    </Dialog>
  );
}

/** Somebody is given everything: this is asked. */
export function AdminDialog({ user, onClose }: { user: UserResp; onClose: () => void }) {
  const t = useTranslate();
  const set = useMutation({ mutationFn: () => call("PUT /users/{user_id}/sysadmin", { path: { user_id: user.user_id }, body: { sysadmin_flag: true } }), onSuccess: async () => { await usersChanged(); onClose(); } });
  return (
    <Dialog title={t("users.promoteAsk.title", { name: user.username })} opened onClose={onClose}>
      <DialogForm submit={t("users.promoteAsk.submit")} onSubmit={() => set.mutate()} onCancel={onClose} busy={set.isPending} error={set.error}><p>{t("users.promoteAsk.what")}</p></DialogForm>
    </Dialog>
  );
}

/** What ends is said before it does; letting somebody in again asks nothing. */
export function LockUser({ user, onClose }: { user: UserResp; onClose: () => void }) {
  const t = useTranslate();
  const lock = useMutation({ mutationFn: () => setLock(user, true), onSuccess: async () => { await usersChanged(); onClose(); } });
  return (
    <Dialog title={t("users.lock.title", { name: user.username })} opened onClose={onClose}>
      <DialogForm submit={t("users.lock.submit")} onSubmit={() => lock.mutate()} onCancel={onClose} busy={lock.isPending} error={lock.error}><p>{t("users.lock.what")}</p></DialogForm>
    </Dialog>
  );
}

export function DeleteUser({ user, onClose }: { user: UserResp; onClose: () => void }) {
  const t = useTranslate();
  const remove = useMutation({ mutationFn: () => call("DELETE /users/{user_id}", { path: { user_id: user.user_id } }), onSuccess: async () => { await usersChanged(); onClose(); } });
  return (
    <Final title={t("users.delete.title", { name: user.username })} submit={t("users.delete.submit")} name={user.username} busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate()} onClose={onClose}>
      <p>{t("users.delete.what")}</p>
    </Final>
  );
}

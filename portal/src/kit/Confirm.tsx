// Removing something: what goes, and for what can't be undone its name, typed.
import { useState, type ReactNode } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "./Dialog.tsx";
import { TextField } from "./Field.tsx";

/** `name`: what has to be typed; none for what can come back. */
export function Confirm({ title, submit, children, name, busy, error, onConfirm, onClose }: {
  title: string;
  submit: string;
  children: ReactNode;
  name?: string;
  busy: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const t = useTranslate();
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState(false);
  const send = () => {
    if (name !== undefined && typed !== name) setWrong(true);
    else onConfirm();
  };
  return (
    <Dialog title={title} opened onClose={onClose}>
      <DialogForm submit={submit} onSubmit={send} onCancel={onClose} busy={busy} error={error} danger>
        {children}
        {name !== undefined && <TextField label={t("kit.confirm.type", { name })} value={typed} error={wrong ? t("kit.confirm.wrong", { name }) : null} onChange={(event) => { setTyped(event.currentTarget.value); setWrong(false); }} />}
      </DialogForm>
    </Dialog>
  );
}

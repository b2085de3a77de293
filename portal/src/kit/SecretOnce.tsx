// A secret that is shown this once: to copy, or to keep as a file; closing asks unless one of them was done.
import { Button } from "@mantine/core";
import { useState } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog } from "./Dialog.tsx";
import { copyText } from "./values.tsx";
import classes from "./kit.module.css";

/** `name`: whose it is. */
export function SecretOnce({ title, name, secret, onClose }: { title: string; name: string; secret: string; onClose: () => void }) {
  const t = useTranslate();
  const [kept, setKept] = useState(false);
  const save = () => {
    const url = URL.createObjectURL(new Blob([JSON.stringify({ name, secret }, null, 2) + "\n"], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${name.replace(/[^\w.-]+/g, "-")}.json`;
    link.click();
    URL.revokeObjectURL(url);
    setKept(true);
  };
  return (
    <Dialog title={title} opened onClose={onClose} dirty={!kept}>
      <div className="stack">
        <p>{t("kit.secret.once")}</p>
        <div className="small muted">{t("kit.secret.name")}</div>
        <code translate="no" className={classes["secret"]}>{name}</code>
        <div className="small muted">{t("kit.secret.secret")}</div>
        <code translate="no" className={classes["secret"]} data-secret>{secret}</code>
        <div className={classes["buttons"]}>
          <Button variant="default" onClick={save}>{t("kit.secret.download")}</Button>
          <Button onClick={() => void copyText(secret).then(setKept)} data-autofocus>{kept ? t("kit.secret.kept") : t("kit.secret.copy")}</Button>
        </div>
      </div>
    </Dialog>
  );
}

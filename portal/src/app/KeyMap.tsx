// The list of keys: those that do something on the page in view.
import { Kbd } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Fragment, useState } from "react";
import { Dialog } from "../kit/Dialog.tsx";
import { KEYS } from "./keys.ts";
import { areLettersOn } from "./letterKeys.ts";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import classes from "./shell.module.css";

const GROUPS: [(typeof KEYS)[number]["group"], Key][] = [["everywhere", "keys.group.everywhere"], ["list", "keys.group.list"], ["page", "keys.group.page"]];

export default function KeyMap({ onClose }: { onClose: () => void }) {
  const t = useTranslate();
  const [there] = useState(() => KEYS.filter((one) => one.there() && (areLettersOn() || !one.letter))); // before the dialog covers the page
  return (
    <Dialog title={t("keys.title")} opened onClose={onClose} size={640}>
      <div className="stack">
        {GROUPS.map(([group, title]) => {
          const own = there.filter((one) => one.group === group);
          return own.length > 0 && (
            <section key={group} aria-label={t(title)}>
              <h3 className="strong">{t(title)}</h3>
              <dl className={classes["keys"]}>
                {own.map((one) => (
                  <div key={one.keys[0]}>
                    <dt>{t(one.label)}</dt>
                    <dd>{one.keys.map((key, at) => <Fragment key={key}>{at > 0 && " "}<Kbd className={classes["kbdShown"] ?? ""}>{key}</Kbd></Fragment>)}</dd>
                  </div>
                ))}
              </dl>
            </section>
          );
        })}
        <p className="small muted">{areLettersOn() ? t("keys.on") : t("keys.off")} <Link to="/me/preferences" onClick={onClose}>{t("account.preferences.title")}</Link></p>
      </div>
    </Dialog>
  );
}

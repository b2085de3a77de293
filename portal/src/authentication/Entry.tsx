// The frame of pages that stand before the door: mark, what one can set, one column, and something beside it.
import { Button } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { Suspense, lazy, useEffect, useRef, useState, type ReactNode } from "react";
import { Mark } from "../app/Mark.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { useHeld } from "../kit/firstLoad.ts";
import { whenIdle } from "../kit/idle.ts";
import classes from "../app/shell.module.css";

const EntryMenu = lazy(() => import("./EntryMenu.tsx"));

export function Entry({ title, children, aside }: { title: string; children: ReactNode; aside?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Moorage`;
  }, [title]);
  const held = useHeld();
  return (
    <div className={classes["entry"]}>
      <header className={classes["entryBar"]}>
        <span className="row strong"><Mark /> Moorage</span>
        <span className="grow" />
        <span className="muted" translate="no">{location.host}</span>
        <Preferences />
      </header>
      <main className={classes["entryMain"]} aria-busy={held || undefined} data-held={held || undefined}>
        <div className={classes["entryForm"]}>
          <h1 tabIndex={-1}>{title}</h1>
          {!held && children}
        </div>
        {!held && aside}
      </main>
    </div>
  );
}

/** The button is there at once, its menu when there is time or when it is pressed. */
function Preferences() {
  const t = useTranslate();
  const before = useRef<HTMLButtonElement>(null);
  const [menu, setMenu] = useState<"later" | "closed" | "opened">("later");
  const [focused, setFocused] = useState(false);
  const fetched = (next: "closed" | "opened") => {
    setFocused(before.current !== null && document.activeElement === before.current);
    setMenu((now) => (now === "later" ? next : now));
  };
  useEffect(() => whenIdle(() => fetched("closed")), []);
  const look = { variant: "subtle", size: "xs", color: "gray", className: classes["user"] ?? "", rightSection: <IconChevronDown size={14} stroke={1.5} aria-hidden />, "aria-haspopup": "menu" } as const;
  const button = <Button ref={before} {...look} onClick={() => fetched("opened")}>{t("shell.preferences")}</Button>;
  if (menu === "later") return button;
  return <Suspense fallback={button}><EntryMenu opened={menu === "opened"}><Button {...look} autoFocus={focused}>{t("shell.preferences")}</Button></EntryMenu></Suspense>;
}

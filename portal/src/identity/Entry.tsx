// The frame of pages that stand before the door: mark, what one can set, one column, and something beside it.
import { Button, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useEffect, type ReactNode } from "react";
import { Choices, Mark } from "../app/Choices.tsx";
import { useWords } from "../app/words.ts";
import classes from "../app/shell.module.css";

export function Entry({ title, children, aside }: { title: string; children: ReactNode; aside?: ReactNode }) {
  const t = useWords();
  useEffect(() => {
    document.title = `${title} · Moorage`;
  }, [title]);
  return (
    <div className={classes["entry"]}>
      <header className={classes["entryBar"]}>
        <span className="row strong"><Mark /> Moorage</span>
        <span className="grow" />
        <span className="muted" translate="no">{location.host}</span>
        <Menu width={200}>
          <Menu.Target><Button variant="subtle" size="xs" color="gray" className={classes["user"] ?? ""} rightSection={<IconChevronDown size={14} stroke={1.5} aria-hidden />}>{t("shell.preferences")}</Button></Menu.Target>
          <Menu.Dropdown><Choices /></Menu.Dropdown>
        </Menu>
      </header>
      <main className={classes["entryMain"]}>
        <div className={classes["entryForm"]}>
          <h1 tabIndex={-1}>{title}</h1>
          {children}
        </div>
        {aside}
      </main>
    </div>
  );
}

// The rail: where one can go, for everybody, for people, and below a line for administrators.
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { icons } from "./icons.ts";
import { entries } from "./pages.ts";
import { isAdmin, useCan, useUser } from "./session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import classes from "./shell.module.css";

export function Rail({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useTranslate();
  const user = useUser();
  const can = useCan();
  useEffect(() => {
    if (!open) return undefined;
    const hear = (event: KeyboardEvent) => event.key === "Escape" && onClose();
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [open, onClose]);
  const offered = entries("rail").filter((one) => one.rail.capability === undefined || can(one.rail.capability));
  const groups = [
    offered.filter((one) => one.rail.for === "everyone" || (one.rail.for === "people" && Boolean(user))),
    isAdmin(user) ? offered.filter((one) => one.rail.for === "admin") : [],
  ].filter((one) => one.length > 0);
  return (
    <>
      {open && <div className={classes["veil"]} onClick={onClose} aria-hidden />}
      <nav className={classes["rail"]} aria-label={t("shell.navigation")} data-open={open || undefined} data-rail data-no-print>
        {groups.map((group, index) => (
          <ul key={index}>
            {group.map((page) => {
              const Sign = icons[page.path];
              return (
                <li key={page.path}>
                  <Link to={page.path} className={classes["railLink"] ?? ""} activeProps={{ "data-active": true } as never}>
                    {Sign && <Sign size={20} stroke={1.5} aria-hidden />} <span>{t(page.rail.label)}</span>
                  </Link>
                </li>
              );
            })}
          </ul>
        ))}
      </nav>
    </>
  );
}

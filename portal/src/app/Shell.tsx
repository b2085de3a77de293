// The frame of all pages: bar, rail, bands, the place for a page; and the dialog of a session that has ended.
import { Outlet, useRouterState } from "@tanstack/react-router";
import { Button } from "@mantine/core";
import { Suspense, lazy, useEffect, useState } from "react";
import { SignInDialog } from "../identity/SignInDialog.tsx";
import { Rail } from "./Rail.tsx";
import { TopBar } from "./TopBar.tsx";
import { Bands } from "./Bands.tsx";
import { useWords } from "./words.ts";
import classes from "./shell.module.css";

const Palette = lazy(() => import("./Palette.tsx"));

export function Shell() {
  const t = useWords();
  const [railOpen, setRailOpen] = useState(false);
  const [palette, setPalette] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const isLoading = useRouterState({ select: (state) => state.isLoading });
  useEffect(() => setRailOpen(false), [path]);
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest?.("input, textarea, select, [contenteditable], [role=dialog]");
      const wanted = ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") || (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey);
      if (wanted) {
        event.preventDefault();
        setPalette(true);
      } else if (event.key === "f" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        const filter = document.querySelector<HTMLInputElement>("[data-filter]");
        if (filter) {
          event.preventDefault();
          filter.focus();
        }
      }
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, []);
  return (
    <div className={classes["shell"]}>
      <Button component="a" href="#main" className={classes["skip"] ?? ""} onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>("#main h1")?.focus(); }}>{t("shell.skip")}</Button>
      <TopBar onMenu={() => setRailOpen(!railOpen)} menuOpen={railOpen} onSearch={() => setPalette(true)} />
      <Bands />
      <Rail open={railOpen} onClose={() => setRailOpen(false)} />
      <main id="main" className={classes["main"]} aria-busy={isLoading}>
        <Outlet />
      </main>
      <SignInDialog />
      <Suspense>{palette && <Palette onClose={() => setPalette(false)} />}</Suspense>
    </div>
  );
}

// The frame of all pages: bar, rail, bands, the place for a page; and the dialog of a session that has ended.
import { Outlet, useRouterState } from "@tanstack/react-router";
import { Button } from "@mantine/core";
import { Suspense, useCallback, useEffect, useState } from "react";
import { whenIdle } from "../kit/idle.ts";
import { later } from "../kit/later.ts";
import { useKeys } from "./keys.ts";
import { usePreferences } from "./preferences.ts";
import { Rail } from "./Rail.tsx";
import { TopBar } from "./TopBar.tsx";
import { Bands } from "./Bands.tsx";
import { useWords } from "./words.ts";
import classes from "./shell.module.css";

const Palette = later(() => import("./Palette.tsx"));
const SignInDialog = later(() => import("../identity/SignInDialog.tsx")); // asked for before it is needed, and after what is read first
const Printed = later(async () => ({ default: (await import("./Printed.tsx")).Printed }));
const KeyMap = later(() => import("./KeyMap.tsx"));

export function Shell() {
  const t = useWords();
  const [railOpen, setRailOpen] = useState(false);
  const [palette, setPalette] = useState(false);
  const [keyMap, setKeyMap] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const isLoading = useRouterState({ select: (state) => state.isLoading });
  const [stands, setStands] = useState(false);
  useEffect(() => setRailOpen(false), [path]);
  useEffect(() => whenIdle(() => setStands(true)), []);
  const find = useCallback(() => setPalette(true), []);
  const map = useCallback(() => setKeyMap(true), []);
  usePreferences();
  useKeys({ onFind: find, onMap: map });
  return (
    <div className={classes["shell"]}>
      <Button component="a" href="#main" className={classes["skip"] ?? ""} onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>("#main h1")?.focus(); }}>{t("shell.skip")}</Button>
      <TopBar onMenu={() => setRailOpen(!railOpen)} menuOpen={railOpen} onSearch={find} onKeys={map} />
      <Bands />
      <Rail open={railOpen} onClose={() => setRailOpen(false)} />
      <main id="main" className={classes["main"]} aria-busy={isLoading}>
        <Outlet />
      </main>
      <Suspense>{stands && <SignInDialog />}</Suspense>
      <Suspense>{stands && <Printed />}</Suspense>
      <Suspense>{palette && <Palette onClose={() => setPalette(false)} onKeys={map} />}</Suspense>
      <Suspense>{keyMap && <KeyMap onClose={() => setKeyMap(false)} />}</Suspense>
    </div>
  );
}

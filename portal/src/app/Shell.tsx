// The frame of all pages: bar, rail, bands, the place for a page; and the dialog of a session that has ended.
import { Outlet, useRouterState } from "@tanstack/react-router";
import { Button, Tooltip } from "@mantine/core";
import { Suspense, useCallback, useEffect, useState } from "react";
import { whenIdle } from "../kit/idle.ts";
import { lazyPart } from "../kit/lazyPart.ts";
import { Hints } from "../kit/values.tsx";
import { useKeys } from "./keys.ts";
import { usePreferences } from "./preferences.ts";
import { Rail } from "./Rail.tsx";
import { TopBar } from "./TopBar.tsx";
import { Bands } from "./Bands.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import classes from "./shell.module.css";

const Palette = lazyPart(() => import("./Palette.tsx"));
const SignInDialog = lazyPart(() => import("../authentication/SignInDialog.tsx")); // asked for before it is needed, and after what is read first
const Printed = lazyPart(async () => ({ default: (await import("./Printed.tsx")).Printed }));
const KeyMap = lazyPart(() => import("./KeyMap.tsx"));

export function Shell() {
  const t = useTranslate();
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
    <Hints value={Tooltip}>
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
    </Hints>
  );
}

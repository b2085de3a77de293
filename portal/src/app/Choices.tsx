// The entries of a menu for theme and language: in the bar of every page, and before the door.
import { Menu, useMantineColorScheme } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useId } from "react";
import { prefer } from "./preferences.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { LANGUAGES, type Language } from "../i18n/languages.ts";
import { setLanguage } from "../i18n/loading.ts";
import type { Key } from "../i18n/translator.ts";

const THEMES: { value: "auto" | "light" | "dark"; label: Key }[] = [
  { value: "auto", label: "shell.theme.system" },
  { value: "light", label: "shell.theme.light" },
  { value: "dark", label: "shell.theme.dark" },
];

const CHOSEN = <IconCheck size={16} stroke={1.5} aria-hidden />;

/** Entries for the theme and the language; also on the page for signing in. */
export function Choices() {
  const t = useTranslate();
  const language = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const ids = { theme: useId(), language: useId() };
  return (
    <>
      <div role="group" aria-labelledby={ids.theme}>
        <Menu.Label id={ids.theme}>{t("shell.theme.label")}</Menu.Label>
        {THEMES.map((one) => <Menu.RadioItem key={one.value} value={one.value} checked={colorScheme === one.value} checkIcon={CHOSEN} closeMenuOnClick onChange={() => { setColorScheme(one.value); void prefer({ theme: one.value }).catch(() => undefined); }}>{t(one.label)}</Menu.RadioItem>)}
      </div>
      <div role="group" aria-labelledby={ids.language}>
        <Menu.Label id={ids.language}>{t("shell.language.label")}</Menu.Label>
        {(Object.keys(LANGUAGES) as Language[]).map((one) => <Menu.RadioItem key={one} lang={one} value={one} checked={language === one} checkIcon={CHOSEN} closeMenuOnClick onChange={() => { void setLanguage(one, true); void prefer({ language: one }).catch(() => undefined); }}>{LANGUAGES[one]}</Menu.RadioItem>)}
      </div>
    </>
  );
}

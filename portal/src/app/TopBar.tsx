// The bar: mark, search, and who is signed in with what they can set.
import { ActionIcon, Button, Kbd, Menu, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconChevronDown, IconMenu2, IconSearch } from "@tabler/icons-react";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import { Suspense, lazy, useId } from "react";
import { entries } from "./pages.ts";
import { prefer } from "./preferences.ts";
import { isAdmin, signOut, useUser } from "./session.tsx";
import { LANGUAGES, speak, useLanguage, useWords, type Key, type Language } from "./words.ts";
import classes from "./shell.module.css";

const RunningWork = lazy(() => import("../jobs/RunningWork.tsx"));

export function TopBar({ onMenu, menuOpen, onSearch, onKeys }: { onMenu: () => void; menuOpen: boolean; onSearch: () => void; onKeys: () => void }) {
  const t = useWords();
  const user = useUser();
  const here = useRouterState({ select: (state) => state.location.href });
  return (
    <header className={classes["bar"]} data-no-print>
      <ActionIcon className={classes["menuButton"] ?? ""} aria-label={t("shell.menu")} aria-expanded={menuOpen} onClick={onMenu}><IconMenu2 size={20} stroke={1.5} /></ActionIcon>
      <Link to="/projects" className={classes["mark"] ?? ""}><Mark /> <span>Moorage</span></Link>
      <button type="button" className={classes["search"]} onClick={onSearch} aria-keyshortcuts="Control+K">
        <IconSearch size={16} stroke={1.5} aria-hidden />
        <span>{t("shell.search")}</span>
        <Kbd className={classes["kbd"] ?? ""} aria-hidden>Ctrl K</Kbd>
      </button>
      <span className="grow" />
      <Suspense>{isAdmin(user) && <RunningWork />}</Suspense>
      {user === null && <Button component={Link} {...({ to: "/sign-in", search: { next: here } } as object)} size="xs">{t("identity.signIn.action")}</Button>}
      {user !== undefined && <UserMenu name={user?.username ?? null} onKeys={onKeys} />}
    </header>
  );
}

/** The sign of the product, in the colour of the text around it. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden className={classes["sign"]}>
      <rect width="32" height="32" rx="7" fill="currentColor" />
      <path d="M7 23V9.5l9 8 9-8V23" fill="none" className={classes["signLine"]} strokeWidth="3" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

const THEMES: { value: "auto" | "light" | "dark"; label: Key }[] = [
  { value: "auto", label: "shell.theme.system" },
  { value: "light", label: "shell.theme.light" },
  { value: "dark", label: "shell.theme.dark" },
];

const CHOSEN = <IconCheck size={16} stroke={1.5} aria-hidden />;

/** Entries for the theme and the language; also on the page for signing in. */
export function Choices() {
  const t = useWords();
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
        {(Object.keys(LANGUAGES) as Language[]).map((one) => <Menu.RadioItem key={one} lang={one} value={one} checked={language === one} checkIcon={CHOSEN} closeMenuOnClick onChange={() => { void speak(one, true); void prefer({ language: one }).catch(() => undefined); }}>{LANGUAGES[one]}</Menu.RadioItem>)}
      </div>
    </>
  );
}

function UserMenu({ name, onKeys }: { name: string | null; onKeys: () => void }) {
  const t = useWords();
  const navigate = useNavigate();
  return (
    <Menu width={220}>
      <Menu.Target>
        <Button variant="subtle" color="gray" size="xs" className={classes["user"] ?? ""} rightSection={<IconChevronDown size={14} stroke={1.5} aria-hidden />}>
          {name === null ? t("shell.preferences") : <bdi>{name}</bdi>}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {name !== null && entries("menu").map((page) => <Menu.Item key={page.path} onClick={() => void navigate({ to: page.path })}>{t(page.menu.label)}</Menu.Item>)}
        <Choices />
        <Menu.Divider />
        <Menu.Item onClick={onKeys} rightSection={<Kbd className={classes["kbd"] ?? ""} aria-hidden>?</Kbd>}>{t("keys.title")}</Menu.Item>
        <Menu.Item component="a" href="/api/v2.0/explorer">{t("shell.explorer")}</Menu.Item>
        {name !== null && <Menu.Item onClick={() => void signOut()}>{t("shell.signOut")}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

// The bar: mark, search, and who is signed in with what they can set.
import { ActionIcon, Button, Kbd, Menu } from "@mantine/core";
import { IconChevronDown, IconHelp, IconMenu2, IconSearch } from "@tabler/icons-react";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import { Suspense, lazy } from "react";
import { Choices } from "./Choices.tsx";
import { Mark } from "./Mark.tsx";
import { entries } from "./pages.ts";
import { isAdmin, signOut, useUser } from "./session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import classes from "./shell.module.css";

const RunningWork = lazy(() => import("../jobs/RunningWork.tsx"));

export function TopBar({ onMenu, menuOpen, onSearch, onKeys }: { onMenu: () => void; menuOpen: boolean; onSearch: () => void; onKeys: () => void }) {
  const t = useTranslate();
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
      <Help onKeys={onKeys} />
      {user === null && <Button component={Link} {...({ to: "/sign-in", search: { next: here } } as object)} size="xs">{t("identity.signIn.action")}</Button>}
      {user !== undefined && <UserMenu name={user?.username ?? null} onKeys={onKeys} />}
    </header>
  );
}

/** What helps, at the same place on every page. */
function Help({ onKeys }: { onKeys: () => void }) {
  const t = useTranslate();
  const navigate = useNavigate();
  return (
    <Menu width={220}>
      <Menu.Target><ActionIcon aria-label={t("shell.help")}><IconHelp size={20} stroke={1.5} /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={onKeys} rightSection={<Kbd className={classes["kbd"] ?? ""} aria-hidden>?</Kbd>}>{t("keys.title")}</Menu.Item>
        <Menu.Item component="a" href="/api/v2.0/explorer">{t("shell.explorer")}</Menu.Item>
        <Menu.Item onClick={() => void navigate({ to: "/about" })}>{t("about.title")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function UserMenu({ name, onKeys }: { name: string | null; onKeys: () => void }) {
  const t = useTranslate();
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

// The line of tabs below the head of a page.
import { Button, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { Link, useRouterState } from "@tanstack/react-router";
import { useLayoutEffect, useRef, useState } from "react";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { number } from "./format.ts";
import classes from "./kit.module.css";

const GAP = 16; // between tabs, as in kit.module.css

/**
 * A line of tabs; each is a link. What does not fit goes into a menu at its end, but for the tab of this page; on a phone the line
 * scrolls sideways instead, and the tab of this page is in sight.
 */
export function Tabs({ label, tabs }: { label: string; tabs: { to: string; label: string; count?: number | undefined; exact?: boolean }[] }) {
  const t = useTranslate();
  const language = useLanguage();
  const line = useRef<HTMLElement>(null);
  const [away, setAway] = useState<ReadonlySet<string>>(new Set());
  const here = useRouterState({ select: (state) => state.location.pathname });
  const said = tabs.map((one) => `${one.to} ${one.label} ${one.count ?? ""}`).join();
  useLayoutEffect(() => {
    const own = line.current;
    if (own === null) return undefined;
    const fit = () => {
      const next = tooMany(own);
      setAway((before) => (before.size === next.size && [...next].every((one) => before.has(one)) ? before : next));
      const active = own.querySelector<HTMLElement>("[data-active]");
      if (active) own.scrollLeft = active.offsetLeft - own.offsetLeft - 24;
    };
    fit();
    const watch = new ResizeObserver(fit);
    watch.observe(own);
    return () => watch.disconnect();
  }, [here, said]);
  return (
    <nav ref={line} className={classes["tabs"]} aria-label={label} data-tabs data-no-print>
      {tabs.map((one) => (
        <Link key={one.to} to={one.to} className={classes["tab"] ?? ""} hidden={away.has(one.to)} data-to={one.to} activeOptions={{ exact: one.exact ?? false, includeSearch: false }} activeProps={{ "data-active": true, "aria-current": "page" } as never}>
          {one.label}{one.count !== undefined && <span className="small muted figures"> {number(one.count, language)}</span>}
        </Link>
      ))}
      <span className={classes["tabsMore"]} hidden={away.size === 0} data-more>
        <Menu>
          <Menu.Target><Button size="xs" variant="subtle" color="gray" rightSection={<IconChevronDown size={14} stroke={1.5} aria-hidden />}>{t("kit.more")}</Button></Menu.Target>
          <Menu.Dropdown>
            {tabs.filter((one) => away.has(one.to)).map((one) => <Menu.Item key={one.to} {...({ component: Link, to: one.to } as object)}>{one.label}{one.count !== undefined && ` ${number(one.count, language)}`}</Menu.Item>)}
          </Menu.Dropdown>
        </Menu>
      </span>
    </nav>
  );
}

/** The addresses of the tabs that the line has no room for. */
function tooMany(line: HTMLElement): Set<string> {
  if (window.matchMedia("(max-width: 719px)").matches) return new Set();
  line.dataset["measures"] = ""; // all of them stand there, as wide as they are
  const links = [...line.querySelectorAll<HTMLElement>("a")].map((one) => ({ to: one.dataset["to"] ?? "", width: one.offsetWidth + GAP, active: one.dataset["active"] !== undefined }));
  const more = line.querySelector<HTMLElement>("[data-more]")?.offsetWidth ?? 0;
  const room = line.clientWidth;
  delete line.dataset["measures"];
  if (links.reduce((sum, one) => sum + one.width, -GAP) <= room) return new Set();
  let left = room - more - links.filter((one) => one.active).reduce((sum, one) => sum + one.width, 0);
  const away = new Set<string>();
  for (const one of links) {
    if (one.active) continue;
    left -= away.size > 0 ? 0 : one.width;
    if (away.size > 0 || left < 0) away.add(one.to);
  }
  return away;
}

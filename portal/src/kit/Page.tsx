// The head of every page: breadcrumb, the one h1, what one can do; and the title of the window.
import { Link } from "@tanstack/react-router";
import { createContext, use, useEffect, useLayoutEffect, useRef, type ReactNode } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { say } from "./announcer.ts";
import { useHeld } from "./firstLoad.ts";
import { Name } from "./values.tsx";
import classes from "./kit.module.css";

export interface Crumb {
  label: string;
  to: string;
  /** Stands behind it: what leads to others like it. */
  beside?: ReactNode;
}

const InPage = createContext(false);

/** Whether a head with its h1 stands above already. */
export const useIsInPage = (): boolean => use(InPage);

const loaded = new URL(performance.getEntriesByType?.("navigation")[0]?.name ?? location.href).pathname; // what the browser itself has said
let shownAt = ""; // the address whose h1 had the focus: a second page at it (data came) does not take it again
let lost = false; // that h1 went away with the focus: the next one takes it over

/**
 * A page. `title` is text; `isName` when people gave it. `crumbs` are the pages above it; `aside` stands right of the title,
 * `under` below it; `windowTitle` the most specific part first, without the product's name.
 */
export function Page({ title, isName, crumbs = [], copy, aside, under, actions, children, windowTitle }: {
  title: string;
  isName?: boolean;
  crumbs?: Crumb[];
  copy?: ReactNode;
  aside?: ReactNode;
  under?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
  windowTitle?: string[];
}) {
  const said = [...(windowTitle ?? [title]), "Moorage"].join(" · ");
  useEffect(() => {
    document.title = said;
  }, [said]);
  const held = useHeld();
  return (
    <div className={classes["page"]} aria-busy={held || undefined} data-held={held || undefined}>
      <div className={classes["head"]}>
        <Crumbs crumbs={crumbs} />
        <div className={classes["headRow"]}>
          <Title title={title} isName={isName ?? false} />
          {copy}
          {aside}
          <span className="grow" />
          {actions && <div className="row" data-actions data-no-print>{actions}</div>}
        </div>
        {under}
      </div>
      <InPage value>{children}</InPage>
    </div>
  );
}

function Title({ title, isName }: { title: string; isName: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    const own = heading.current;
    return () => {
      if (own !== null && document.activeElement === own) lost = true;
    };
  }, []);
  useEffect(() => {
    const here = location.pathname;
    const first = shownAt === "" && here === loaded;
    if (here === shownAt && !lost) return undefined;
    shownAt = here;
    const asked = document.activeElement;
    const inDialog = asked?.closest("[role=dialog]") ?? null;
    if (first || !(asked === null || asked === document.body || asked.tagName === "A" || !asked.isConnected || inDialog)) return undefined;
    let done = false;
    const take = () => {
      done = true;
      lost = false;
      heading.current?.focus({ preventScroll: true });
      say(document.title); // not every screen reader speaks of a focus that comes from what has gone
    };
    const timer = setTimeout(take, inDialog ? 200 : 0); // a dialog that closes gives the focus back first
    return () => {
      clearTimeout(timer);
      if (!done) lost = true;
    };
  }, [title]);
  return <h1 ref={heading} tabIndex={-1}>{isName ? <Name>{title}</Name> : title}</h1>;
}

function Crumbs({ crumbs }: { crumbs: Crumb[] }) {
  const t = useTranslate();
  if (crumbs.length === 0) return null;
  return (
    <nav className={classes["crumbs"]} aria-label={t("kit.crumbs.label")}>
      <ol>
        {crumbs.map((one) => <li key={one.to}><Link to={one.to}><Name>{one.label}</Name></Link>{one.beside}</li>)}
      </ol>
    </nav>
  );
}

// How do I get in? One form, one button for the provider, and what everybody may see.
import { Button, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { call } from "../api/client.ts";
import { Choices, Mark } from "../app/TopBar.tsx";
import { places, safeNext, split } from "../app/places.ts";
import { useSearch } from "../app/search.ts";
import { capabilitiesQuery, systemQuery, useUser } from "../app/session.tsx";
import { useWords } from "../app/words.ts";
import { Name } from "../kit/show.tsx";
import { SignInForm } from "./SignInForm.tsx";
import classes from "../app/shell.module.css";

export default function SignInPage() {
  const t = useWords();
  const navigate = useNavigate();
  const [search] = useSearch();
  const [next] = useState(() => safeNext(search["next"])); // as it was: the address changes before this page has gone
  const user = useUser();
  const system = useQuery(systemQuery).data;
  const sources = useQuery(capabilitiesQuery).data?.sign_in ?? [];
  const provider = system?.oidc_provider_name || t("identity.signIn.provider");
  useEffect(() => {
    document.title = `${t("identity.signIn.title")} · Moorage`;
  }, [t]);
  const go = () => void navigate({ href: next === "/" ? "/projects" : next, replace: true });
  useEffect(() => {
    if (user) go();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [user]);
  return (
    <div className={classes["entry"]}>
      <header className={classes["entryBar"]}>
        <span className="row strong"><Mark /> Moorage</span>
        <span className="grow" />
        <span className="muted" translate="no">{system?.registry_url ?? location.host}</span>
        <Menu width={200}>
          <Menu.Target><Button variant="subtle" size="xs" color="gray" className={classes["user"] ?? ""} rightSection={<IconChevronDown size={14} stroke={1.5} aria-hidden />}>{t("shell.preferences")}</Button></Menu.Target>
          <Menu.Dropdown><Choices /></Menu.Dropdown>
        </Menu>
      </header>
      <main className={classes["entryMain"]}>
        <div className={classes["entryForm"]}>
          <h1 tabIndex={-1}>{t("identity.signIn.title")}</h1>
          {sources.includes("oidc") && <Button component="a" href={`/c/oidc/login?redirect_url=${encodeURIComponent(next)}`} variant="default">{t("identity.signIn.with", { provider })}</Button>}
          {user === null && <SignInForm onDone={go} />}
        </div>
        <Public />
      </main>
    </div>
  );
}

/** Repositories that anybody may pull from, the most pulled first; nothing when there is none. */
function Public() {
  const t = useWords();
  const found = useQuery({ queryKey: ["public"], queryFn: async () => (await call("GET /repositories", { query: { sort: "-pull_count", page_size: 5 } })).data }).data;
  if (!found?.length) return null;
  return (
    <section className={classes["entryAside"]} aria-labelledby="public">
      <h2 id="public">{t("identity.public.title")}</h2>
      <ul className={classes["plain"]}>
        {found.map((one) => (
          <li key={one.id} className={classes["listRow"]}>
            <Link to={places.repository(...split(one.name ?? ""))}><Name>{one.name ?? ""}</Name></Link>
            <span className="muted figures">{t("identity.public.pulls", { count: one.pull_count ?? 0 })}</span>
          </li>
        ))}
      </ul>
      <Link to="/projects">{t("identity.public.all")}</Link>
    </section>
  );
}

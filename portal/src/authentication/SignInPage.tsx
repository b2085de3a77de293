// How do I get in? Every source of people: one form, one button for the provider, an account of one's own; and what everybody may see.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Repository } from "../api/schema.ts";
import { places, safeNext, split } from "../app/paths.ts";
import { useSearch } from "../app/search.ts";
import { capabilitiesQuery, systemQuery, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Copy, Name } from "../kit/values.tsx";
import { Entry } from "./Entry.tsx";
import { Provider } from "./Provider.tsx";
import { SignInForm } from "./SignInForm.tsx";
import classes from "../app/shell.module.css";

const publicQuery = queryOptions({ queryKey: ["public"], queryFn: async () => (await call("GET /repositories", { query: { sort: "-pull_count", page_size: 5 } })).data });

export default function SignInPage() {
  const t = useTranslate();
  const navigate = useNavigate();
  const [search] = useSearch();
  const [next] = useState(() => safeNext(search["next"])); // as it was: the address changes before this page has gone
  const [told] = useState(() => search["error"]);
  const user = useUser();
  const system = useQuery(systemQuery).data;
  const sources = useQuery(capabilitiesQuery).data?.sign_in ?? [];
  const command = `docker login ${location.host}`;
  const go = async () => navigate({ href: next === "/" ? await (await import("../app/startPage.ts")).home() : next, replace: true });
  useEffect(() => {
    if (user) void go();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [user]);
  const repositories = useQuery(publicQuery).data ?? [];
  const provider = sources.includes("oidc");
  return (
    <Entry title={t("identity.signIn.title")} aside={<Public found={repositories} />}>
      {told && <ProblemBox error={new Problem(0, told, "", "", {})} />}
      {provider && <Provider next={next} />}
      {provider && <p className={classes["or"]}>{t("identity.signIn.or")}</p>}
      {user === null && <SignInForm onDone={() => undefined} />}
      {user === null && <Hint sources={sources} />}
      {system?.self_registration && sources.includes("local") && <p>{t("identity.signUp.ask")} <Link {...({ to: "/sign-up", search: { next: search["next"] } } as object)} to="/sign-up">{t("identity.signUp.title")}</Link></p>}
      <p className="small muted row"><span>{t("identity.signIn.docker")} <code translate="no">{command}</code></span><Copy text={command} label={t("kit.command.copy", { command })} /></p>
    </Entry>
  );
}

/** Whose name and password the form takes. */
function Hint({ sources }: { sources: string[] }) {
  const t = useTranslate();
  const said = [...(sources.includes("ldap") ? [t("identity.source.ldap")] : []), ...(sources.includes("header") ? [t("identity.source.header")] : [])];
  return <>{said.map((one) => <p key={one} className="small muted">{one}</p>)}</>;
}

/** Repositories that anybody may pull from, the most pulled first; nothing when there is none. */
function Public({ found }: { found: Repository[] }) {
  const t = useTranslate();
  if (found.length === 0) return null;
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

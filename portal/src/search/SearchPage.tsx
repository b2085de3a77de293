// Where is it? All that one may see and that matches: projects, repositories, tags and artifacts.
import { Button, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import type { Found, FoundTotals } from "../api/schema.ts";
import { useListState, useSearch, type ListState } from "../app/search.ts";
import { systemQuery, useUser } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { number } from "../kit/format.ts";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table, type Listed } from "../kit/Table.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { KINDS, type KindOf, hits, sought, type Hit } from "./results.ts";
import { foundQuery } from "./queries.ts";
import { useTyped } from "../kit/filterInput.ts";
import kit from "../kit/kit.module.css";
import classes from "./search.module.css";

const FIRST = 8; // of each kind, where all kinds are shown
const TITLES = { projects: "projects.title", repositories: "artifacts.repositories.title", tags: "artifacts.tags.title", artifacts: "artifacts.list.title" } as const;
const MORE = { projects: "palette.more.projects", repositories: "palette.more.repositories", tags: "palette.more.tags", artifacts: "palette.more.artifacts" } as const;

export default function SearchPage() {
  const t = useTranslate();
  const list = useListState();
  const [search] = useSearch();
  const kind = KINDS.find((one) => one === search["kind"]) ?? null;
  const system = useQuery(systemQuery);
  const host = system.data?.registry_url || location.host;
  const words = sought(list.q, host);
  const query = useQuery({ ...foundQuery(list.q, host, { kind, page: list.page, size: kind === null ? FIRST : list.size }), enabled: words !== "" && !system.isPending });
  const totals = words === "" ? null : query.data?.totals;
  return (
    <Page title={t("palette.label")} windowTitle={[...(words === "" ? [] : [words]), t("palette.label")]}>
      <Field list={list} />
      {words === "" && <Empty>{t("palette.begin")}</Empty>}
      {totals && <Kinds totals={totals} kind={kind} text={list.q} />}
      {words !== "" && (kind === null ? <All query={query} text={list.q} /> : <OfKind query={query} kind={kind} list={list} />)}
    </Page>
  );
}

/** What is typed goes into the address after a moment. */
function Field({ list }: { list: ListState }) {
  const t = useTranslate();
  const [text, setText] = useTyped(list);
  return (
    <TextInput
      type="search" className={classes["field"] ?? ""} aria-label={t("palette.label")} placeholder={t("palette.placeholder")} value={text} onChange={(event) => setText(event.currentTarget.value)}
      leftSection={<IconSearch size={16} stroke={1.5} aria-hidden />} spellCheck={false} autoComplete="off" autoFocus={list.q === ""} data-filter
      onKeyDown={(event) => { if (event.key === "Escape" && text !== "") { event.stopPropagation(); setText(""); } }}
    />
  );
}

function Kinds({ totals, kind, text }: { totals: FoundTotals; kind: KindOf | null; text: string }) {
  const t = useTranslate();
  const language = useLanguage();
  const here = useRouterState({ select: (state) => state.location.pathname });
  const all = KINDS.reduce((sum, one) => sum + totals[one], 0);
  return (
    <nav className={kit["tabs"]} aria-label={t("palette.kinds")} data-tabs>
      {([null, ...KINDS] as const).map((one) => (
        <Link key={one ?? ""} to={here} {...({ search: { q: text, ...(one === null ? {} : { kind: one }) } } as object)} className={kit["tab"] ?? ""} {...(one === kind ? { "data-active": true, "aria-current": "page" } : {})}>
          {t(one === null ? "palette.everything" : TITLES[one])} <span className="small muted figures">{number(one === null ? all : totals[one], language)}</span>
        </Link>
      ))}
    </nav>
  );
}

const None = ({ text }: { text: string }) => {
  const t = useTranslate();
  const isNobody = useUser() === null;
  const here = useRouterState({ select: (state) => state.location.href });
  if (!isNobody) return <Empty>{t("palette.none", { q: text })}</Empty>;
  return <Empty action={<Button component={Link} {...({ to: "/sign-in", search: { next: here } } as object)}>{t("identity.signIn.action")}</Button>}>{t("palette.anonymous", { q: text })}</Empty>;
};

/** The first of each kind, with a way to all of them. */
function All({ query, text }: { query: { data: Found | undefined; error: unknown; refetch: () => unknown }; text: string }) {
  const t = useTranslate();
  const here = useRouterState({ select: (state) => state.location.pathname });
  const found = query.data;
  if (query.error && !found) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  if (!found) return <Waiting />;
  const all = hits(found, "");
  if (all.length === 0) return <None text={text} />;
  return (
    <div className="sections" aria-live="off">
      {KINDS.map((kind) => {
        const own = all.filter((one) => one.kind === kind);
        const total = found.totals?.[kind] ?? own.length;
        return own.length > 0 && (
          <section key={kind} className="stack" aria-labelledby={`found-${kind}`}>
            <h2 id={`found-${kind}`}>{t(TITLES[kind])}</h2>
            <ul className={classes["hits"]}>
              {own.map((one) => <li key={one.to}><one.icon size={16} stroke={1.5} aria-hidden /><What hit={one} />{one.time && <span className="small muted"><Time value={one.time} /></span>}</li>)}
            </ul>
            {total > own.length && <p><Link to={here} {...({ search: { q: text, kind } } as object)}>{t(MORE[kind], { count: total })}</Link></p>}
          </section>
        );
      })}
    </div>
  );
}

const What = ({ hit }: { hit: Hit }) => <span className={classes["what"]}><Link to={hit.to}><Name>{hit.label}</Name></Link>{hit.note && <span className="muted"> <Name>{hit.note}</Name></span>}</span>;

/** All of one kind, page by page. */
function OfKind({ query, kind, list }: { query: Omit<Listed<Hit>, "data"> & { data: Found | undefined }; kind: KindOf; list: ListState }) {
  const t = useTranslate();
  const rows = query.data && hits(query.data, "").filter((one) => one.kind === kind);
  const columns: Column<Hit>[] = [
    { id: "name", head: t("artifacts.column.name"), cell: (one) => <What hit={one} /> },
    ...(kind === "tags" || kind === "artifacts" ? [{ id: "pushed", head: t("artifacts.column.pushed"), width: "fit" as const, phone: 1 as const, cell: (one: Hit) => <Time value={one.time} /> }] : []),
  ];
  const shown = { error: query.error, isFetching: query.isFetching, refetch: query.refetch, data: rows && { data: rows, total: query.data?.totals?.[kind] } };
  return <Table id={`search-${kind}`} caption={t(TITLES[kind])} columns={columns} query={shown} list={list} rowKey={(one) => one.to} rowName={(one) => one.label} empty={null} />;
}

// One field to find anything and go there: projects, repositories, tags and digests from the server, pages and what can be
// done from here. `>` only what can be done; `@` people.
import { Modal, TextInput, useMantineColorScheme } from "@mantine/core";
import { IconBolt, IconHistory, IconSearch, IconUser, type Icon } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useId, useState } from "react";
import { call } from "../api/client.ts";
import { Name } from "../kit/show.tsx";
import { hits, searchOf, sought } from "../search/found.ts";
import { offered } from "./keys.ts";
import { entries } from "./pages.ts";
import { RECENT, isAdmin, signOut, systemQuery, useCan, useUser } from "./session.tsx";
import { useLanguage, useWords } from "./words.ts";
import classes from "./palette.module.css";

interface Entry {
  group: string;
  icon: Icon;
  label: string;
  note?: string;
  /** Where it leads, */
  to?: string;
  /** or what it does. */
  run?: () => void;
}
type Kept = { label: string; to: string };

const MOST_RECENT = 5;
const GIVEN_BACK_MS = 50; // by then this has given the focus back, and what is done next has it

function recent(): Kept[] {
  try {
    return JSON.parse(sessionStorage.getItem(RECENT) ?? "[]") as Kept[];
  } catch {
    return [];
  }
}

function keep({ label, to }: Entry): void {
  if (to === undefined) return;
  try {
    sessionStorage.setItem(RECENT, JSON.stringify([{ label, to }, ...recent().filter((one) => one.to !== to)].slice(0, MOST_RECENT)));
  } catch { /* nothing is remembered */ }
}

export default function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  const t = useWords();
  const language = useLanguage();
  const navigate = useNavigate();
  const user = useUser();
  const can = useCan();
  const list = useId();
  const [text, setText] = useState("");
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const [here] = useState(offered); // of the page below, before this covers it
  const host = useQuery(systemQuery).data?.registry_url || location.host;
  const { setColorScheme } = useMantineColorScheme();
  const only = text.trimStart()[0];
  useEffect(() => {
    const timer = setTimeout(() => setWanted(only === ">" ? "" : sought(text, host)), 150);
    return () => clearTimeout(timer);
  }, [text, host, only]);
  const found = useQuery({
    queryKey: ["find", wanted],
    enabled: wanted !== "" && only !== "@",
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await call("GET /find", { query: { q: wanted, size: 6 }, signal })).data,
  });
  const people = useQuery({
    queryKey: ["people", wanted],
    enabled: wanted !== "" && only === "@" && isAdmin(user),
    queryFn: async ({ signal }) => (await call("GET /users/search", { query: { username: wanted, page_size: 6 }, signal })).data,
  }).data;
  const words = sought(text, host).toLocaleLowerCase(language); // Turkish: İ is i, I is ı
  const fits = (one: { label: string }) => one.label.toLocaleLowerCase(language).includes(words);
  const pages: Entry[] = entries("rail")
    .filter(({ rail }) => (rail.for === "everyone" || (rail.for === "people" ? Boolean(user) : isAdmin(user))) && (rail.capability === undefined || can(rail.capability)))
    .map((page) => ({ group: t("palette.group.pages"), icon: page.rail.icon, label: t(page.rail.label), to: page.path }));
  const own: Entry[] = user ? entries("menu").map((page) => ({ group: t("palette.group.pages"), icon: IconUser, label: t(page.menu.label), to: page.path })) : [];
  const actions: Entry[] = [
    ...here.map((one) => ({ label: one.label, run: one.press })),
    { label: t("keys.title"), run: onKeys },
    ...(["light", "dark", "auto"] as const).map((one) => ({ label: t("palette.theme", { name: t(one === "auto" ? "shell.theme.system" : `shell.theme.${one}`) }), run: () => setColorScheme(one) })),
    ...(user ? [{ label: t("shell.signOut"), run: () => void signOut() }] : []),
  ].map((one) => ({ ...one, group: t("palette.group.actions"), icon: IconBolt }));
  const data = wanted === "" || only === "@" ? undefined : found.data;
  const was: Entry[] = text === "" ? recent().map((one) => ({ ...one, group: t("palette.group.recent"), icon: IconHistory })) : [];
  const fitting = only === undefined || !">@#".includes(only) ? [...pages, ...own].filter((one) => fits(one) && !was.some((each) => each.to === one.to)) : [];
  const all: Entry[] = [
    ...was,
    ...fitting,
    ...(data ? hits(data) : []).map(({ kind, ...one }) => ({ ...one, group: t(`palette.group.${kind}`) })),
    ...(only === "@" ? (people ?? []) : []).map((one) => ({ group: t("palette.group.people"), icon: IconUser, label: one.username, to: `/admin/users?q=${encodeURIComponent(one.username)}` })),
    ...(only === ">" || (words !== "" && only !== "@" && only !== "#") ? actions.filter(fits) : []),
    ...(words === "" || only === ">" || only === "@" || only === "#" ? [] : [{ group: t("palette.group.pages"), icon: IconSearch, label: t("palette.showAll", { q: text.trim() }), to: searchOf(text.trim()) }]),
  ];
  useEffect(() => setAt(0), [wanted, found.data]);
  const go = (entry: Entry | undefined, apart: boolean) => {
    if (entry === undefined) return;
    keep(entry);
    onClose();
    if (entry.to === undefined) setTimeout(() => entry.run?.(), GIVEN_BACK_MS);
    else if (apart) window.open(entry.to, "_blank", "noopener");
    else void navigate({ href: entry.to });
  };
  const current = Math.min(at, all.length - 1);
  useEffect(() => {
    void document.getElementById(`${list}-${current}`)?.scrollIntoView({ block: "nearest" });
  }, [list, current]);
  return (
    <Modal opened onClose={onClose} withCloseButton={false} size={640} padding={0} data-dialog-open attributes={{ content: { "aria-label": t("palette.label") } }}>
      <TextInput
        data-autofocus value={text} onChange={(event) => setText(event.currentTarget.value)} placeholder={t("palette.placeholder")} aria-label={t("palette.label")} variant="unstyled" className={classes["field"] ?? ""}
        leftSection={<IconSearch size={16} stroke={1.5} aria-hidden />} role="combobox" aria-expanded={all.length > 0} aria-controls={list} aria-autocomplete="list" {...(all.length ? { "aria-activedescendant": `${list}-${current}` } : {})} spellCheck={false} autoComplete="off"
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            if (all.length) setAt((current + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length);
          } else if (event.key === "Enter") {
            event.preventDefault();
            go(all[current], event.ctrlKey || event.metaKey);
          }
        }}
      />
      <div id={list} role="listbox" aria-label={t("palette.results")} className={classes["list"]} tabIndex={-1}>
        {all.map((entry, index) => (
          <div key={`${entry.group} ${entry.to ?? entry.label}`} id={`${list}-${index}`} role="option" aria-selected={index === current} className={classes["entry"]} onMouseMove={() => setAt(index)} onClick={(event) => go(entry, event.ctrlKey || event.metaKey)}>
            <entry.icon size={16} stroke={1.5} aria-hidden />
            <span className={classes["label"]}><Name>{entry.label}</Name>{entry.note && <span className="muted"> {entry.note}</span>}</span>
            <span className="small muted">{entry.group}</span>
          </div>
        ))}
      </div>
      {all.length === 0 && <p className={classes["none"]}>{found.isFetching ? t("palette.searching") : t("palette.none", { q: text })}</p>}
      <span className="hidden" role="status">{wanted && !found.isFetching ? t("palette.count", { count: all.length }) : ""}</span>
    </Modal>
  );
}

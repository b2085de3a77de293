// One field to find anything and go there: pages, what the server finds, and what can be done from here. `>` only what can be
// done; `@` people; `#` labels. The right arrow shows what can be done with a row.
import { Kbd, Modal, TextInput, useMantineColorScheme } from "@mantine/core";
import { IconBolt, IconHistory, IconSearch, IconTags, IconUser, type Icon } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useId, useRef, useState } from "react";
import { call } from "../api/client.ts";
import { Name, copyText } from "../kit/values.tsx";
import { toast } from "../kit/toast.tsx";
import { hits, searchOf, sought } from "../search/results.ts";
import { labelsOfQuery, membersOfQuery, whereOf } from "../search/pageSuggestions.ts";
import { offered } from "./keys.ts";
import { icons } from "./icons.ts";
import { entries } from "./pages.ts";
import { RECENT, isAdmin, permissionsQuery, signOut, systemQuery, useCan, useUser } from "./session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
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
  /** What can be copied of it. */
  reference?: string;
  digest?: string;
}
type Kept = { label: string; to: string };

const MOST_RECENT = 5;
const AFTER_MS = 150; // of rest the server is asked
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
  const t = useTranslate();
  const navigate = useNavigate();
  const list = useId();
  const [text, setText] = useState("");
  const [of, setOf] = useState<Entry | null>(null); // the row whose actions are shown
  const [at, setAt] = useState(0);
  const [waits, setWaits] = useState<{ apart: boolean } | null>(null); // Enter came before the answer
  const { rows, settled } = useRows(text, onKeys);
  const go = (entry: Entry | undefined, apart: boolean) => {
    if (entry === undefined) return;
    keep(entry);
    onClose();
    if (entry.to === undefined) setTimeout(() => entry.run?.(), GIVEN_BACK_MS);
    else if (apart) window.open(entry.to, "_blank", "noopener");
    else void navigate({ href: entry.to });
  };
  const copy = (what: string) => () => void copyText(what).then((done) => done && toast(t("kit.copy.done")));
  const actionsOf = (one: Entry): Entry[] => {
    const base = { group: t("palette.group.actions"), icon: IconBolt };
    const to = one.to ?? "";
    return [
      { ...base, label: t("palette.open"), run: () => go(one, false) },
      { ...base, label: t("palette.apart"), run: () => go(one, true) },
      ...(one.reference ? [{ ...base, label: t("artifacts.copyReference", { tag: one.reference }), run: copy(one.reference) }] : []),
      ...(one.digest ? [{ ...base, label: t("kit.copy.digest"), run: copy(one.digest) }] : []),
      { ...base, label: t("palette.link"), run: copy(location.origin + to) },
    ];
  };
  const all = of === null ? rows : actionsOf(of);
  const first = all[0]?.to ?? all[0]?.label;
  useEffect(() => setAt(0), [text, of, settled, first]);
  useEffect(() => {
    if (!settled || waits === null) return;
    setWaits(null);
    go(rows[0], waits.apart);
  });
  const current = Math.min(at, all.length - 1);
  useEffect(() => {
    void document.getElementById(`${list}-${current}`)?.scrollIntoView({ block: "nearest" });
  }, [list, current]);
  const choose = (apart: boolean) => {
    if (of === null && !settled && current === 0) setWaits({ apart });
    else go(all[current], apart);
  };
  return (
    <Modal opened onClose={onClose} withCloseButton={false} size={640} padding={0} data-dialog-open closeOnEscape={of === null} attributes={{ content: { "aria-label": t("palette.label") } }}>
      <TextInput
        data-autofocus value={text} onChange={(event) => { setText(event.currentTarget.value); setOf(null); setWaits(null); }} placeholder={t("palette.placeholder")} aria-label={t("palette.label")} variant="unstyled" className={classes["field"] ?? ""}
        leftSection={<IconSearch size={16} stroke={1.5} aria-hidden />} role="combobox" aria-expanded={all.length > 0} aria-controls={list} aria-autocomplete="list" {...(all.length ? { "aria-activedescendant": `${list}-${current}` } : {})} spellCheck={false} autoComplete="off"
        onKeyDown={(event) => {
          const { selectionStart, value } = event.currentTarget;
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            if (all.length) setAt((current + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length);
          } else if (event.key === "Enter") {
            event.preventDefault();
            choose(event.ctrlKey || event.metaKey);
          } else if (event.key === "ArrowRight" && of === null && selectionStart === value.length && all[current]?.to !== undefined) {
            event.preventDefault();
            setOf(all[current] ?? null);
          } else if ((event.key === "ArrowLeft" || event.key === "Escape") && of !== null) {
            event.preventDefault();
            setOf(null);
          }
        }}
      />
      {of !== null && <p className={classes["of"]}>{t("palette.actionsOf", { name: of.label })}</p>}
      <div id={list} role="listbox" aria-label={of === null ? t("palette.results") : t("palette.actionsOf", { name: of.label })} className={classes["list"]} tabIndex={-1}>
        {all.map((entry, index) => (
          <div key={`${entry.group} ${entry.to ?? entry.label} ${entry.note ?? ""}`} id={`${list}-${index}`} role="option" aria-selected={index === current} className={classes["entry"]} onMouseMove={() => setAt(index)} onClick={(event) => go(entry, event.ctrlKey || event.metaKey)}>
            <entry.icon size={16} stroke={1.5} aria-hidden />
            <span className={classes["label"]}><Name>{entry.label}</Name>{entry.note && <span className="muted"> <Name>{entry.note}</Name></span>}</span>
            <span className="small muted">{entry.group}</span>
          </div>
        ))}
      </div>
      {all.length === 0 && <p className={classes["none"]}>{settled ? t("palette.none", { q: text }) : t("palette.searching")}</p>}
      <div className={`${classes["keys"] ?? ""} small muted`} aria-hidden>
        <span><Kbd>{"Enter"}</Kbd> {t("palette.open")}</span>
        <span><Kbd>{"Ctrl Enter"}</Kbd> {t("palette.apart")}</span>
        {of === null ? <span><Kbd>→</Kbd> {t("palette.group.actions")}</span> : <span><Kbd>←</Kbd> {t("palette.results")}</span>}
      </div>
      <span className="hidden" role="status">{(text !== "" || of !== null) && settled ? t("palette.count", { count: all.length }) : ""}</span>
    </Modal>
  );
}

/** What is offered for a text. `settled`: nothing of it is still being asked for. */
function useRows(text: string, onKeys: () => void): { rows: Entry[]; settled: boolean } {
  const t = useTranslate();
  const language = useLanguage();
  const user = useUser();
  const can = useCan();
  const [wanted, setWanted] = useState("");
  const [here] = useState(offered); // of the page below, before this covers it
  const where = useRef(whereOf(useRouterState({ select: (state) => state.location.pathname }))).current;
  const may = useQuery({ ...permissionsQuery(`/project/${where.project ?? ""}`), enabled: where.project !== undefined }).data;
  const host = useQuery(systemQuery).data?.registry_url || location.host;
  const { setColorScheme } = useMantineColorScheme();
  const sign = text.trimStart()[0] ?? "";
  const only = sign !== "" && ">@#".includes(sign) ? sign : "";
  const target = only === ">" ? "" : sought(text, host);
  useEffect(() => {
    const timer = setTimeout(() => setWanted(target), AFTER_MS);
    return () => clearTimeout(timer);
  }, [target]);
  const found = useQuery({
    queryKey: ["find", wanted],
    enabled: wanted !== "" && only === "",
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await call("GET /find", { query: { q: wanted, size: 6 }, signal })).data,
  });
  const admin = isAdmin(user);
  const isMembers = !admin && where.project !== undefined && may?.has("member:list") === true;
  const people = useQuery({ ...membersOfQuery(isMembers ? where.project : undefined, wanted), enabled: wanted !== "" && only === "@" && (admin || isMembers) });
  const labels = useQuery({ ...labelsOfQuery(where.project, wanted), enabled: wanted !== "" && only === "#" && Boolean(user) && (where.project !== undefined || admin) });
  const words = sought(text, host).toLocaleLowerCase(language); // Turkish: İ is i, I is ı
  const fits = (one: { label: string }) => one.label.toLocaleLowerCase(language).includes(words);
  const pages: Entry[] = entries("rail")
    .filter(({ rail }) => (rail.for === "everyone" || (rail.for === "people" ? Boolean(user) : admin)) && (rail.capability === undefined || can(rail.capability)))
    .map((page) => ({ group: t("palette.group.pages"), icon: icons[page.path] ?? IconBolt, label: t(page.rail.label), to: page.path }));
  const own: Entry[] = user ? entries("menu").map((page) => ({ group: t("palette.group.pages"), icon: IconUser, label: t(page.menu.label), to: page.path })) : [];
  const actions: Entry[] = [
    ...here.map((one) => ({ label: one.label, ...(one.note === undefined ? {} : { note: one.note }), run: one.press })),
    { label: t("keys.title"), run: onKeys },
    ...(["light", "dark", "auto"] as const).map((one) => ({ label: t("palette.theme", { name: t(one === "auto" ? "shell.theme.system" : `shell.theme.${one}`) }), run: () => setColorScheme(one) })),
    ...(user ? [{ label: t("shell.signOut"), run: () => void signOut() }] : []),
  ].map((one) => ({ ...one, group: t("palette.group.actions"), icon: IconBolt }));
  const rows: Entry[] = [];
  if (only === ">") rows.push(...actions.filter(fits));
  else if (only === "@") rows.push(...(wanted === "" ? [] : (people.data ?? [])).map((one) => ({ group: t("palette.group.people"), icon: IconUser, label: one, to: where.people(admin, one) })));
  else if (only === "#") rows.push(...(wanted === "" ? [] : (labels.data ?? [])).map((one) => ({ group: t("palette.group.labels"), icon: IconTags, label: one.name ?? "", to: where.label(one) })));
  else {
    const was: Entry[] = text === "" ? recent().map((one) => ({ ...one, group: t("palette.group.recent"), icon: IconHistory })) : [];
    rows.push(...was, ...[...pages, ...own].filter((one) => fits(one) && !was.some((each) => each.to === one.to)));
    if (wanted !== "" && found.data) rows.push(...hits(found.data, host).map(({ kind, ...one }) => ({ ...one, group: t(`palette.group.${kind}`) })));
    if (words !== "") rows.push(...actions.filter(fits), { group: t("palette.group.pages"), icon: IconSearch, label: t("palette.showAll", { q: text.trim() }), to: searchOf(text.trim()) });
  }
  return { rows, settled: target === wanted && !found.isFetching && !people.isFetching && !labels.isFetching };
}

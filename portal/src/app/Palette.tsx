// One field to find anything and go there: projects, repositories, tags and digests from the server, pages from here.
import { Modal, TextInput } from "@mantine/core";
import { IconBox, IconFolders, IconLayoutGrid, IconSearch, IconTag, type Icon } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useId, useState } from "react";
import { call } from "../api/client.ts";
import { shortDigest } from "../kit/format.ts";
import { Name } from "../kit/show.tsx";
import { entries } from "./pages.ts";
import { places, split } from "./places.ts";
import { isAdmin, useCan, useUser } from "./session.tsx";
import { useLanguage, useWords } from "./words.ts";
import classes from "./palette.module.css";

interface Entry {
  group: string;
  icon: Icon;
  label: string;
  note?: string;
  to: string;
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const language = useLanguage();
  const navigate = useNavigate();
  const user = useUser();
  const can = useCan();
  const list = useId();
  const [text, setText] = useState("");
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => setWanted(text.trim()), 150);
    return () => clearTimeout(timer);
  }, [text]);
  const found = useQuery({
    queryKey: ["find", wanted],
    enabled: wanted !== "",
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await call("GET /find", { query: { q: wanted, size: 6 }, signal })).data,
  });
  const words = text.trim().toLocaleLowerCase(language); // Turkish: İ is i, I is ı
  const pages: Entry[] = entries("rail")
    .filter(({ rail }) => (rail.for === "everyone" || (rail.for === "people" ? Boolean(user) : isAdmin(user))) && (rail.capability === undefined || can(rail.capability)))
    .map((page) => ({ group: t("palette.group.pages"), icon: page.rail.icon, label: t(page.rail.label), to: page.path }))
    .filter((one) => one.label.toLocaleLowerCase(language).includes(words));
  const data = wanted === "" ? undefined : found.data;
  const all: Entry[] = [
    ...(data?.projects ?? []).map((one) => ({ group: t("palette.group.projects"), icon: IconLayoutGrid, label: one.name, to: places.repositories(one.name) })),
    ...(data?.repositories ?? []).map((one) => ({ group: t("palette.group.repositories"), icon: IconFolders, label: one.repository, to: places.repository(...split(one.repository)) })),
    ...(data?.tags ?? []).map((one) => ({ group: t("palette.group.tags"), icon: IconTag, label: `${one.repository}:${one.tag}`, to: places.tag(...split(one.repository), one.tag) })),
    ...(data?.artifacts ?? []).map((one) => ({ group: t("palette.group.artifacts"), icon: IconBox, label: one.repository, note: one.tag ?? shortDigest(one.digest), to: places.artifact(...split(one.repository), one.digest) })),
    ...pages,
  ];
  useEffect(() => setAt(0), [wanted, found.data]);
  const go = (entry: Entry | undefined, apart: boolean) => {
    if (entry === undefined) return;
    if (apart) window.open(entry.to, "_blank", "noopener");
    else void navigate({ to: entry.to });
    onClose();
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
          <div key={entry.to} id={`${list}-${index}`} role="option" aria-selected={index === current} className={classes["entry"]} onMouseMove={() => setAt(index)} onClick={(event) => go(entry, event.ctrlKey || event.metaKey)}>
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

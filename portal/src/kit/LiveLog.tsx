// A log as the server has it now, also while it grows: follows its end until somebody reads further up.
import { Button, Checkbox, TextInput } from "@mantine/core";
import { IconDownload, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useLanguage, useWords } from "../app/words.ts";
import { number } from "./format.ts";
import classes from "./work.module.css";
import { ProblemBox } from "./ProblemBox.tsx";

const KEPT = 5000;
const EVERY = 2000;
// Colours of a terminal are left out, other control characters shown as a sign: a log is text and nothing else.
// eslint-disable-next-line no-control-regex
const plain = (text: string) => text.replace(/\u001b\[[0-9;]*m/g, "").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "\u241b");

/** `read` gives the whole log; `grows`: the work has not ended, so it is asked for again. `name`: the file to download. */
export function LiveLog({ label, queryKey, read, grows, name }: { label: string; queryKey: readonly unknown[]; read: (signal: AbortSignal) => Promise<string>; grows: boolean; name: string }) {
  const t = useWords();
  const language = useLanguage();
  const [follows, setFollows] = useState(true);
  const [wraps, setWraps] = useState(true);
  const [sought, setSought] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const query = useQuery({ queryKey: [...queryKey, "log"], queryFn: ({ signal }) => read(signal), refetchInterval: grows ? EVERY : false, staleTime: 0 });
  const was = useRef(grows);
  useEffect(() => {
    if (was.current && !grows) void query.refetch(); // the last lines came after the last look
    was.current = grows;
  }, [grows, query]);
  const text = query.data ?? "";
  const lines = useMemo(() => plain(text).replace(/\n$/, "").split("\n"), [text]);
  const shown = useMemo(() => {
    const found = sought ? lines.filter((one) => one.toLowerCase().includes(sought.toLowerCase())) : lines;
    return found.slice(-KEPT);
  }, [lines, sought]);
  useEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, follows]);
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <section className={classes["logFrame"]} aria-label={label}>
      <div className={classes["logHead"]}>
        <span className="strong">{label}</span>
        <span className="grow" />
        <TextInput aria-label={t("work.log.search")} placeholder={t("work.log.search")} value={sought} onChange={(event) => setSought(event.currentTarget.value)} leftSection={<IconSearch size={14} stroke={1.5} aria-hidden />} type="search" autoComplete="off" spellCheck={false} w={180} />
        <Checkbox label={t("work.log.follow")} checked={follows} onChange={(event) => setFollows(event.currentTarget.checked)} />
        <Checkbox label={t("work.log.wrap")} checked={wraps} onChange={(event) => setWraps(event.currentTarget.checked)} />
        <Button size="xs" variant="subtle" leftSection={<IconDownload size={16} stroke={1.5} aria-hidden />} onClick={save} disabled={text === ""}>{t("work.log.download")}</Button>
      </div>
      {query.error && query.data === undefined ? <div className={classes["logState"]}><ProblemBox error={query.error} onRetry={() => void query.refetch()} /></div> : (
        <div
          ref={box} className={classes["log"]} role="log" aria-live="off" aria-label={label} tabIndex={0} data-wraps={wraps || undefined} translate="no"
          onScroll={(event) => { const { scrollTop, scrollHeight, clientHeight } = event.currentTarget; setFollows(scrollHeight - scrollTop - clientHeight < 24); }}
        >
          {text === "" ? <div className="muted">{query.isPending ? "\u00a0" : t("work.log.empty")}</div> : shown.map((line, index) => <div key={lines.length - shown.length + index}>{line || "\u00a0"}</div>)}
        </div>
      )}
      <span className="small muted figures">{sought ? t("work.log.found", { count: shown.length, n: number(shown.length, language), total: number(lines.length, language) }) : t("work.log.lines", { count: lines.length, n: number(lines.length, language) })}</span>
    </section>
  );
}

// A log as the server wrote it: follows its end until the reader scrolls up; searched, filtered, linked to by line, and taken away as a file.
import { Button, Select, Switch, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { chosenOf, linesOf, type Level, type Line } from "./log.ts";
import classes from "./log.module.css";
import { Copy } from "./values.tsx";

const KEPT = 5000;
const FEW = 8; // lines that need no search

/** `text` grows while `running`; `name` names the region and the file. */
export function Log({ text, name, running }: { text: string; name: string; running: boolean }) {
  const t = useTranslate();
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(true);
  const [words, setWords] = useState("");
  const [least, setLeast] = useState<Level>("debug");
  const box = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => linesOf(text, KEPT), [text]);
  const shown = chosenOf(lines, least, words);
  const count = lines.at(-1)?.n ?? 0;
  const [linked, setLinked] = useState<number | null>(null);
  useEffect(() => {
    if (follow && linked === null && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, follow, linked]);
  useEffect(() => {
    const wanted = Number(/^#L(\d+)$/.exec(location.hash)?.[1] ?? 0);
    const panel = box.current?.closest<HTMLElement>("[data-panel]")?.dataset["panel"];
    if (!wanted || (panel !== undefined && panel !== new URLSearchParams(location.search).get("panel"))) return;
    setLinked(wanted);
    const line = box.current?.querySelector<HTMLElement>(`[data-line="${wanted}"]`);
    if (line && box.current) box.current.scrollTop = line.offsetTop - box.current.clientHeight / 3;
  }, []); // the line that the address names, once
  const link = (n: number) => {
    const panel = box.current?.closest<HTMLElement>("[data-panel]")?.dataset["panel"];
    const fields = new URLSearchParams(location.search);
    if (panel !== undefined) fields.set("panel", panel);
    history.replaceState(history.state, "", `${location.pathname}${fields.size ? `?${fields}` : ""}#L${n}`);
    setFollow(false);
    setLinked(n);
  };
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const made = document.createElement("a");
    made.href = url;
    made.download = `${name.replace(/[^\w.-]+/g, "-")}.log`;
    made.click();
    URL.revokeObjectURL(url);
  };
  return (
    <section className={classes["frame"]} aria-label={name}>
      <div className={classes["head"]} data-no-print>
        <span className="small muted figures">{t("kit.log.lines", { count })}</span>
        {count > FEW && (
          <>
            <TextInput size="xs" type="search" w={160} aria-label={t("kit.log.search")} placeholder={t("kit.log.search")} leftSection={<IconSearch size={14} stroke={1.5} aria-hidden />} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
            <Select size="xs" w={150} allowDeselect={false} aria-label={t("kit.log.level")} value={least} data={[{ value: "debug", label: t("kit.log.all") }, { value: "warning", label: t("kit.log.warnings") }, { value: "error", label: t("kit.log.errors") }]} onChange={(value) => setLeast((value ?? "debug") as Level)} />
          </>
        )}
        <span className="grow" />
        {running && <Switch size="xs" label={t("kit.log.follow")} checked={follow} onChange={(event) => { setLinked(null); setFollow(event.currentTarget.checked); }} />}
        <Switch size="xs" label={t("kit.log.wrap")} checked={wrap} onChange={(event) => setWrap(event.currentTarget.checked)} />
        <Button size="xs" variant="subtle" onClick={save}>{t("kit.log.download")}</Button>
        <Copy text={text} label={t("kit.log.copy")} />
      </div>
      {count > KEPT && <p className={`small muted ${classes["cut"]}`}>{t("kit.log.cut", { count: KEPT })}</p>}
      <div
        ref={box} className={classes["log"]} data-wrap={wrap || undefined} tabIndex={0} role="log" aria-live={running && follow ? "off" : "polite"} aria-label={name} translate="no"
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          if (running && linked === null) setFollow(scrollHeight - scrollTop - clientHeight < 24);
        }}
      >
        {shown.map((one) => <Row key={one.n} line={one} text={one.plain} isLinked={one.n === linked} label={t("kit.log.line", { n: one.n })} onLink={link} />)}
        {shown.length === 0 && <p className="muted">{t("kit.log.nothing")}</p>}
      </div>
    </section>
  );
}

/** `text` only tells whether it is still the same line. */
const Row = memo(
  function Row({ line, isLinked, label, onLink }: { line: Line; text: string; isLinked: boolean; label: string; onLink: (n: number) => void }) {
    return (
      <div className={classes["line"]} data-line={line.n} data-level={line.level} data-linked={isLinked || undefined}>
        <a href={`#L${line.n}`} className={classes["number"]} aria-label={label} tabIndex={-1} onClick={(event) => { event.preventDefault(); onLink(line.n); }}>{line.n}</a>
        <span className={classes["text"]}>{line.pieces.map((one, index) => <span key={index} data-ink={one.ink} data-strong={one.strong}>{one.text}</span>)}</span>
      </div>
    );
  },
  (a, b) => a.text === b.text && a.isLinked === b.isLinked && a.line.n === b.line.n && a.label === b.label,
);

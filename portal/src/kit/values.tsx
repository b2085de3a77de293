// Facts as people read them, with the exact value one hover or focus away.
import { ActionIcon, type Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { Fragment, createContext, isValidElement, use, useEffect, useState, type ReactNode } from "react";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { breakable, bytes, date, dateTime, fullTime, isRecent, number, relative, shortDigest, timeOf } from "./format.ts";
import { say } from "./announcer.ts";
import { useTimes } from "./times.ts";
import classes from "./kit.module.css";

/** Times below it say the day, however near they are: others of the column are further away. */
export const Dated = createContext(false);

/** Whether this is a time that says the day by itself. */
export const isDated = (node: ReactNode): boolean => {
  const time = isValidElement<{ value?: string | null }>(node) && node.type === Time ? timeOf(node.props.value) : null;
  return time !== null && !isRecent(time, new Date());
};

/** When something was: `14 min. ago`, with the whole time and its zone in the title. Nothing: a dash with a word for it. */
export function Time({ value, never }: { value: string | null | undefined; never?: string }) {
  const t = useTranslate();
  const language = useLanguage();
  const times = useTimes();
  const dated = use(Dated);
  const time = timeOf(value);
  if (time === null) return <span className="muted">{never ?? t("kit.time.never")}</span>;
  return <time dateTime={time.toISOString()} title={fullTime(time, language)}>{times === "iso" ? time.toISOString().replace(/\.\d+/, "") : times === "absolute" ? dateTime(time, language) : dated ? date(time, language) : relative(time, new Date(), language)}</time>;
}

/** `1.25 GiB`, the exact count in the title. */
export function Bytes({ value }: { value: number | null | undefined }) {
  const t = useTranslate();
  const language = useLanguage();
  if (value === null || value === undefined) return <span className="muted">–</span>;
  return <span className="figures" title={t("kit.bytes.exact", { count: value, n: number(value, language) })}>{bytes(value, language)}</span>;
}

export function Count({ value }: { value: number | null | undefined }) {
  const language = useLanguage();
  return <span className="figures">{value === null || value === undefined ? "–" : number(value, language)}</span>;
}

const LONG = 72; // letters: three lines of a narrow column
const HEAD = 40;
const TAIL = 28;

const broken = (text: string) => breakable(text).map((part, index) => <Fragment key={index}>{index > 0 && <wbr />}{part}</Fragment>);

/**
 * A name that people gave: kept apart from the text around it, and broken only where that is harmless. In a table a long one is cut
 * in its middle (`data-middle`, table.module.css): it is whole in the title, where it has the focus, in a copy and for who listens.
 */
export function Name({ children, mono }: { children: string; mono?: boolean }) {
  const letters = children.length > LONG ? [...children] : [];
  const part = (from: number, to?: number) => broken(letters.slice(from, to).join(""));
  return (
    <bdi translate="no" className={mono ? "mono" : undefined} {...(letters.length > LONG ? { title: children } : {})}>
      {letters.length > LONG ? <>{part(0, HEAD)}<span data-middle>{part(HEAD, -TAIL)}</span>{part(-TAIL)}</> : broken(children)}
    </bdi>
  );
}

/** What was acted on, as the log has it: digests in it in short, the whole of it in the title. */
export function Subject({ children }: { children: string }) {
  const short = children.replace(/sha(?:256|512):[0-9a-f]{32,}/g, shortDigest);
  return short === children ? <Name>{children}</Name> : <span title={children} data-whole><Name>{short}</Name></span>;
}

/** The tooltip of the frame; null: pages outside of it do without its code, and the browser shows the hint. */
export const Hints = createContext<typeof Tooltip | null>(null);

/** Copies a text; says so in place and to whoever listens. */
export function Copy({ text, label }: { text: string; label: string }) {
  const t = useTranslate();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (beside: Element | null) => {
    const done = await copyText(text);
    if (!done && beside?.tagName === "CODE") getSelection()?.selectAllChildren(beside); // for the keys that copy
    setCopied(done);
    if (done) say(t("kit.copy.done"));
  };
  const hint = copied ? t("kit.copy.done") : label;
  const Hint = use(Hints);
  const button = (
    <ActionIcon aria-label={label} aria-describedby={undefined} className={classes["copy"]} size={24} onClick={(event) => void copy(event.currentTarget.previousElementSibling)} data-copy data-no-print>
      <span className={classes["copySign"]} aria-hidden {...(Hint === null ? { title: hint } : {})}>{copied ? <IconCheck size={16} stroke={1.5} /> : <IconCopy size={16} stroke={1.5} />}</span>
    </ActionIcon>
  );
  return Hint === null ? button : <Hint label={hint}>{button}</Hint>;
}

/** Copy a text; false where the browser does not allow it. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea"); // without a secure context there is no clipboard
    area.value = text;
    area.setAttribute("readonly", "");
    area.className = "hidden";
    (document.querySelector("[data-dialog-open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A digest in short, whole in its title and in the copy. */
export function Digest({ value }: { value: string }) {
  const t = useTranslate();
  return (
    <span className={classes["digest"]} data-digest>
      <code translate="no" title={value}>{shortDigest(value)}</code>
      <Copy text={value} label={t("kit.copy.digest")} />
    </span>
  );
}

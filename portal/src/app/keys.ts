// What keys do on every page (portal.md has the map); a page need not know of them: they press what it offers.
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { areLettersOn } from "./letterKeys.ts";
import { queries } from "./session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";

const SEQUENCE_MS = 1500;
const ROW = "tbody tr:has(> [data-first])";
const CHOICE = "tbody input[type=checkbox]";
const CONTROL = "a[href], button:not(:disabled), input:not(:disabled)";

export interface KeyOf {
  keys: string[];
  label: Key;
  group: "everywhere" | "list" | "page";
  /** Whether it does something on the page in view. */
  there: () => boolean;
  /** A letter: not while somebody types, nor when letters are off. */
  letter: boolean;
}

const shown = <T extends HTMLElement>(selector: string, within: ParentNode = document): T | null =>
  [...within.querySelectorAll<T>(selector)].find((one) => one.checkVisibility({ visibilityProperty: true })) ?? null;
const row = (): HTMLElement | null => document.activeElement?.closest<HTMLElement>(ROW) ?? null;
const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(ROW)];
const linkOf = (one: HTMLElement): HTMLElement | null => shown(CONTROL, one.querySelector("[data-first]") ?? one) ?? shown(CONTROL, one);

/** What a key presses on the page in view; null: nothing. */
const TARGETS: Record<string, () => HTMLElement | null> = {
  c: () => (row() ? shown("[data-first] [data-copy]", row() as HTMLElement) : null) ?? shown("[data-command] [data-copy]"),
  y: () => shown("[data-digest] [data-copy]", row() ?? document.querySelector("main") ?? document),
  n: () => shown("[data-actions] button:not([aria-expanded])") ?? shown("[data-tools] button[data-variant=filled], [data-tools] button:not([data-variant])"),
  o: () => (row() ? linkOf(row() as HTMLElement) : null),
  x: () => (row() ? shown("input[type=checkbox]", row() as HTMLElement) : null),
  ".": () => (row() ? shown("td:last-child button[aria-haspopup=menu]", row() as HTMLElement) : shown("[data-actions] button[aria-haspopup=menu]")),
  f: () => shown("[data-filter]"),
  "[": () => shown("[data-step=previous]:not(:disabled)"),
  "]": () => shown("[data-step=next]:not(:disabled)"),
  "#": () => shown("[data-bulk] [data-removes]"),
  d: () => shown("[data-bulk] [data-compares]"),
  Escape: () => shown("[data-bulk] [data-clears]"),
};
/** The digest of the row with the focus, where no column shows it. */
const digestOf = (): string | undefined => (TARGETS["y"]?.() ? undefined : row()?.dataset["digestOf"]);

interface Offer {
  label: string;
  /** What it is done to. */
  note?: string;
  press: () => void;
  /** It takes the whole of the page's thing away: what `#` does where no row is meant. */
  removes?: boolean;
}

const said = new Map<object, readonly Offer[]>();

/** Tell the palette what the page in view offers in a menu. */
export function useOffers(offers: readonly Offer[]): void {
  const own = useRef({});
  useEffect(() => {
    const key = own.current;
    said.set(key, offers);
    return () => { said.delete(key); };
  });
}

/** What the page in view offers to do: the buttons of its head and above its list, its command to copy, and what its menus have. */
export function offered(): Offer[] {
  const buttons = [...document.querySelectorAll<HTMLElement>("[data-actions] button, [data-tools] > button")].filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.ariaHasPopup !== "menu");
  const copy = shown("[data-command] [data-copy]");
  const pressed = [...buttons, ...(copy ? [copy] : [])].map((one) => ({ label: one.ariaLabel ?? one.textContent ?? "", press: () => { one.focus(); one.click(); } }));
  return [...pressed, ...[...said.values()].flat()];
}

const tab = (number: number): HTMLElement | null => document.querySelectorAll<HTMLElement>("[data-tabs] a, [data-tabs] button").item(number - 1);
const undo = (): HTMLElement | null => shown("[data-undo]");

/** All that keys do, in the order of the map. */
export const KEYS: readonly KeyOf[] = [
  { keys: ["Ctrl K", "/"], label: "keys.find", group: "everywhere", there: () => true, letter: false },
  { keys: ["g p"], label: "projects.title", group: "everywhere", there: () => true, letter: true },
  { keys: ["g a"], label: "jobs.activity.title", group: "everywhere", there: () => document.querySelector("a[href='/activity']") !== null, letter: true },
  { keys: ["g t"], label: "trash.title", group: "everywhere", there: () => document.querySelector("a[href='/trash']") !== null, letter: true },
  { keys: ["g s"], label: "settings.title", group: "everywhere", there: () => document.querySelector("a[href='/admin/settings']") !== null, letter: true },
  { keys: ["g h"], label: "health.title", group: "everywhere", there: () => document.querySelector("a[href='/admin/health']") !== null, letter: true },
  { keys: ["r"], label: "keys.refresh", group: "everywhere", there: () => true, letter: true },
  { keys: ["F6"], label: "keys.region", group: "everywhere", there: () => true, letter: false },
  { keys: ["Alt Z"], label: "keys.undo", group: "everywhere", there: () => true, letter: false },
  { keys: ["Ctrl Enter"], label: "keys.send", group: "everywhere", there: () => true, letter: false },
  { keys: ["Esc"], label: "keys.close", group: "everywhere", there: () => true, letter: false },
  { keys: ["?"], label: "keys.map", group: "everywhere", there: () => true, letter: true },
  { keys: ["j", "↓"], label: "keys.down", group: "list", there: () => rows().length > 0, letter: true },
  { keys: ["k", "↑"], label: "keys.up", group: "list", there: () => rows().length > 0, letter: true },
  { keys: ["Enter", "o"], label: "keys.open", group: "list", there: () => rows().length > 0, letter: true },
  { keys: ["x"], label: "keys.choose", group: "list", there: () => shown(CHOICE) !== null, letter: true },
  { keys: ["Shift ↓", "Shift ↑"], label: "keys.extend", group: "list", there: () => shown(CHOICE) !== null, letter: false },
  { keys: ["d"], label: "keys.compare", group: "list", there: () => shown(`[data-keys~=compare] ${CHOICE}`) !== null, letter: true },
  { keys: ["#", "Delete"], label: "keys.remove", group: "list", there: () => shown(`[data-keys~=remove] ${CHOICE}`) !== null || removal() !== undefined, letter: true },
  { keys: ["."], label: "keys.menu", group: "list", there: () => shown("tbody button[aria-haspopup=menu], [data-actions] button[aria-haspopup=menu]") !== null, letter: true },
  { keys: ["f"], label: "keys.filter", group: "list", there: () => TARGETS["f"]?.() !== null, letter: true },
  { keys: ["[", "]"], label: "keys.step", group: "list", there: () => shown("[data-step]") !== null, letter: true },
  { keys: ["c"], label: "keys.copy", group: "page", there: () => TARGETS["c"]?.() !== null || shown("[data-first] [data-copy]") !== null, letter: true },
  { keys: ["y"], label: "kit.copy.digest", group: "page", there: () => TARGETS["y"]?.() !== null || shown("[data-digest-of]") !== null, letter: true },
  { keys: ["n"], label: "keys.make", group: "page", there: () => TARGETS["n"]?.() !== null, letter: true },
  { keys: ["1–9"], label: "keys.tab", group: "page", there: () => tab(1) !== null, letter: true },
];

/** Hear the keys; `onFind` opens the palette, `onMap` the list of keys. */
export function useKeys({ onFind, onMap }: { onFind: () => void; onMap: () => void }): void {
  const navigate = useNavigate();
  const t = useTranslate();
  const began = useRef(-Infinity); // when `g` was pressed
  useEffect(() => {
    const places: Record<string, string> = { p: "/projects", t: "/trash", a: "/activity", h: "/admin/health", s: "/admin/settings" };
    const letter = (key: string): boolean => {
      if (performance.now() - began.current < SEQUENCE_MS) {
        began.current = -Infinity;
        const to = places[key];
        if (to === undefined || document.querySelector(`a[href='${to}']`) === null) return false; // not for this reader
        void navigate({ to });
        return true;
      }
      if (key === "g") began.current = performance.now();
      else if (key === "/") onFind();
      else if (key === "?") onMap();
      else if (key === "r") void queries.invalidateQueries({ refetchType: "active" });
      else if (key === "j" || (key === "ArrowDown" && row())) return step(1);
      else if (key === "k" || (key === "ArrowUp" && row())) return step(-1);
      else if (/^[1-9]$/.test(key)) return press(tab(Number(key)));
      else if (key === "f") return focus(TARGETS["f"]?.() ?? null);
      else if (key === "#" || key === "Delete") return remove();
      else if (key === "y" && digestOf() !== undefined) void copied(digestOf() ?? "", t("kit.copy.done"));
      else return press(TARGETS[key]?.() ?? null);
      return true;
    };
    const hear = (event: KeyboardEvent) => {
      const on = event.target instanceof Element ? event.target : document.body;
      const control = event.ctrlKey || event.metaKey;
      let done = false;
      if (control && event.key.toLowerCase() === "k") {
        onFind();
        done = true;
      } else if (control && event.key === "Enter") done = send(on);
      else if (event.key === "F6") done = region(event.shiftKey ? -1 : 1);
      else if (event.altKey && event.code === "KeyZ") done = press(undo());
      else if (event.shiftKey && /^Arrow(Down|Up)$/.test(event.key) && isFree(on)) done = extend(event.key === "ArrowDown" ? 1 : -1);
      else if (!control && !event.altKey && isFree(on) && (areLettersOn() || ["ArrowDown", "ArrowUp", "Escape"].includes(event.key))) done = letter(event.key);
      if (done) event.preventDefault();
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [navigate, t, onFind, onMap]);
}

/** Whether a letter would not be typed into something, nor choose in a menu. */
function isFree(on: Element): boolean {
  const field = on.closest("input, textarea, select, [contenteditable], [role=menu], [role=listbox], [role=combobox], [role=radiogroup], [data-log]");
  return (field === null || (field instanceof HTMLInputElement && field.type === "checkbox")) && document.querySelector("[data-dialog-open]") === null;
}

function press(what: HTMLElement | null): boolean {
  what?.click();
  return what !== null;
}

async function copied(text: string, words: string): Promise<void> {
  const [{ copyText }, { toast }] = await Promise.all([import("../kit/values.tsx"), import("../kit/toast.tsx")]);
  if (await copyText(text)) toast(words);
}

const removal = (): Offer | undefined => [...said.values()].flat().find((one) => one.removes);

/** Choose the row with the focus, and the next one with it. */
function extend(by: 1 | -1): boolean {
  const choose = () => {
    const box = row() ? shown<HTMLInputElement>("input[type=checkbox]", row() as HTMLElement) : null;
    if (box !== null && !box.checked) box.click();
    return box !== null;
  };
  if (!choose()) return false;
  step(by);
  // The first of the two is drawn by then: what is chosen is added to it.
  requestAnimationFrame(choose);
  return true;
}

/** Press what deletes the chosen rows; where none is chosen, the row with the focus is, else what the page shows. It asks in any case. */
function remove(): boolean {
  const there = TARGETS["#"]?.() ?? null;
  if (there !== null || shown("[data-bulk]") !== null) return press(there);
  const own = row()?.closest("[data-keys~=remove]") ? shown("input[type=checkbox]", row() as HTMLElement) : null;
  if (press(own)) requestAnimationFrame(() => press(TARGETS["#"]?.() ?? null));
  else if (row() === null) removal()?.press();
  return own !== null || removal() !== undefined;
}

function focus(what: HTMLElement | null): boolean {
  what?.focus();
  return what !== null;
}

/** The row after or before the one with the focus; the first where none has it. */
function step(by: 1 | -1): boolean {
  const all = rows();
  const at = all.indexOf(row() ?? document.createElement("p"));
  const next = at < 0 ? all[0] : all[at + by];
  if (next === undefined) return at >= 0;
  next.scrollIntoView({ block: "nearest" });
  return focus(linkOf(next));
}

function send(on: Element): boolean {
  const form = on.closest("form");
  form?.requestSubmit();
  return form !== null;
}

/** The bar, the rail, the content, what was just said: to the next of them. */
function region(by: 1 | -1): boolean {
  const all = [shown("header button"), shown("nav[data-rail] a"), shown("#main h1"), undo()];
  const there = all.filter((one) => one !== null);
  const whole = ["header", "nav[data-rail]", "#main"];
  const at = there.findIndex((one) => one === document.activeElement || whole.some((each) => one.closest(each) !== null && one.closest(each) === document.activeElement?.closest(each)));
  return focus(there[(at + by + there.length) % there.length] ?? null);
}

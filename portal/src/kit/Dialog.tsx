// A dialog named by its title. What was typed in it is not lost by closing it, by leaving the page, nor with the window: it is asked for.
import { Button, Modal } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { createContext, useContext, useEffect, useLayoutEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { Attention } from "./attention.tsx";
import { ProblemBox } from "./ProblemBox.tsx";
import { say } from "./announcer.ts";
import classes from "./kit.module.css";

/** Closes the dialog around, after having asked where there is something to lose. */
const Closing = createContext<(() => void) | null>(null);

/** `dirty`: there is something to lose; closing asks first. */
export function Dialog({ title, opened, onClose, children, dirty = false, size = 520, above = false, stays = false }: {
  title: string;
  opened: boolean;
  onClose: () => void;
  children: ReactNode;
  dirty?: boolean;
  size?: number;
  /** Over every other dialog. */
  above?: boolean;
  /** Closes by its button only. */
  stays?: boolean;
}) {
  const t = useTranslate();
  const [asks, setAsks] = useState(false);
  useOpener(opened);
  const close = () => (dirty ? setAsks(true) : onClose());
  const has = opened && dirty;
  const leaving = useBlocker({ shouldBlockFn: ({ current, next }) => has && current.pathname !== next.pathname, enableBeforeUnload: () => has, withResolver: true });
  const keep = () => {
    setAsks(false);
    leaving.reset?.();
  };
  const discard = () => {
    setAsks(false);
    onClose();
    leaving.proceed?.();
  };
  return (
    <Modal.Root opened={opened} onClose={close} size={size} zIndex={above ? 400 : 200} closeOnEscape={!stays} closeOnClickOutside={!stays} {...(above ? { "data-above": true } : {})} {...(opened ? { "data-dialog-open": true } : {})}>
      <Modal.Overlay />
      <Modal.Content>
        {/* Not Modal.Header: a second <header> would be a second banner of the page. */}
        <div className={classes["dialogHead"]}>
          <Modal.Title className={classes["dialogTitle"] ?? ""}>{title}</Modal.Title>
          <Modal.CloseButton aria-label={t("kit.dialog.close")} />
        </div>
        <Modal.Body>
      {(asks || leaving.status === "blocked") && (
        <div className={classes["asks"]} role="alert">
          <span>{t("kit.dialog.discardAsk")}</span>
          <span className="grow" />
          <Button size="xs" variant="default" onClick={keep} autoFocus>{t("kit.dialog.keep")}</Button>
          <Button size="xs" variant="default" onClick={discard}>{t("kit.dialog.discard")}</Button>
        </div>
      )}
      <Closing value={dirty ? close : null}>{children}</Closing>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** What opened a dialog has the focus again when it has gone; of an entry of a menu, the button of the menu. */
function useOpener(opened: boolean): void {
  useLayoutEffect(() => {
    if (!opened) return undefined;
    const asked = document.activeElement as HTMLElement | null;
    const menu = asked?.closest("[role=menu]")?.getAttribute("aria-labelledby");
    const opener = menu ? document.getElementById(menu) : asked;
    return () => {
      setTimeout(() => { if (opener?.isConnected && (document.activeElement ?? document.body) === document.body) opener.focus({ preventScroll: true }); }, 0);
    };
  }, [opened]);
}

/** The text of a part, with a space between what stands in different elements; a name that may break is one word. */
function spoken(part: Element): string {
  const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  let [text, last]: [string, Element | null] = ["", null];
  while (walk.nextNode()) {
    const own = walk.currentNode.parentElement;
    text += `${last === null || own === last ? "" : " "}${walk.currentNode.nodeValue ?? ""}`;
    last = own;
  }
  return text.trim();
}

/** The form in a dialog: fields, then what went wrong, then Cancel left and the action right. */
export function DialogForm({ children, submit, onSubmit, onCancel, busy, error, danger, cancel }: {
  children?: ReactNode;
  /** What the button does, verb and noun: "Delete 3 tags". */
  submit: string;
  onSubmit: () => void;
  onCancel: () => void;
  busy: boolean;
  error: unknown;
  danger?: boolean;
  /** What the other button says; "Cancel" otherwise. */
  cancel?: string;
}) {
  const t = useTranslate();
  const close = useContext(Closing);
  const form = useRef<HTMLFormElement>(null);
  const [tries, setTries] = useState(0);
  const said = useRef("");
  // The focus is on Cancel: what is asked, and what would go, is spoken; it may come later than the dialog.
  useEffect(() => {
    if (!danger || form.current === null) return;
    const text = [...form.current.children].filter((one) => !one.matches("[role=alert], [data-buttons]") && one.querySelector("[role=progressbar]") === null).map(spoken).filter(Boolean).join(" ");
    if (text === said.current) return;
    said.current = text;
    say(`${document.getElementById(form.current.closest("[role=dialog]")?.getAttribute("aria-labelledby") ?? "")?.textContent ?? ""} ${text}`);
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setTries(tries + 1);
    onSubmit();
  };
  return (
    <form ref={form} className="stack" onSubmit={send} noValidate>
      <Attention form={form} tries={tries} busy={busy} />
      {children}
      {error !== null && error !== undefined && <ProblemBox error={error} />}
      <div className={classes["buttons"]} data-buttons>
        <Button variant="default" onClick={close ?? onCancel} data-autofocus={danger || undefined}>{cancel ?? t("kit.dialog.cancel")}</Button>
        <Button type="submit" loading={busy} {...(danger ? { color: "red" } : {})}>{submit}</Button>
      </div>
    </form>
  );
}

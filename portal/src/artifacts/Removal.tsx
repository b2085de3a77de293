// What removing would take along, as the server says it before anything is done; and the way back, where there is a trash.
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import type { Deletion } from "../api/schema.ts";
import { places } from "../app/places.ts";
import { useLanguage, useWords } from "../app/words.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { TextField } from "../kit/Field.tsx";
import { bytes, date, shortDigest } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name } from "../kit/show.tsx";
import { toast } from "../kit/toast.tsx";
import { restoreNewest } from "../trash/queries.ts";
import kit from "../kit/kit.module.css";

const SHOWN = 5;

/** At most five names, and how many more there are. */
export function Names({ names, count = names.length }: { names: ReactNode[]; count?: number }) {
  const t = useWords();
  const rest = count - Math.min(SHOWN, names.length);
  return (
    <ul className={kit["names"]}>
      {names.slice(0, SHOWN).map((name, index) => <li key={index}>{name}</li>)}
      {rest > 0 && <li className="muted">{t("artifacts.going.more", { count: rest })}</li>}
    </ul>
  );
}

/**
 * The dialog. `found`: previews of all that would go; undefined: not known yet. `typed`: what has to be typed where nothing
 * brings it back. `entries`: how the trash calls what is removed. `blocked`: nothing is left that could be removed.
 */
export function Removal({ title, submit, done, found, failed, retry, typed, blocked, project, entries, remove, changed, onClose, onDone, children }: {
  title: string;
  submit: string;
  done: string;
  found: Deletion[] | undefined;
  failed: unknown;
  retry: () => void;
  typed?: string;
  blocked: boolean;
  project: string;
  entries: string[];
  remove: () => Promise<void>;
  changed: (leaving: boolean) => Promise<void> | void;
  onClose: () => void;
  onDone?: (() => void) | undefined;
  children: ReactNode;
}) {
  const t = useWords();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState(false);
  const comesBack = found?.every((one) => one.trash_days > 0) ?? true;
  const asks = !comesBack && typed !== undefined && !blocked;
  const undo = () => {
    restoreNewest(project, entries)
      .catch(() => toast(t("artifacts.undo.failed"), { label: t("artifacts.undo.trash"), run: () => void navigate({ to: places.trash(project) }) }))
      .finally(() => void changed(false));
  };
  const removal = useMutation({
    mutationFn: remove,
    onSuccess: () => {
      toast(done, comesBack ? { label: t("kit.undo"), run: undo } : undefined);
      onClose();
      onDone?.();
    },
    onSettled: (_, error) => changed(onDone !== undefined && error === null),
  });
  const send = () => {
    if (blocked) onClose();
    else if (asks && name !== typed) setWrong(true);
    else removal.mutate();
  };
  return (
    <Dialog title={title} opened onClose={onClose}>
      {failed ? <ProblemBox error={failed} onRetry={retry} /> : (
        <DialogForm submit={blocked ? t("kit.dialog.close") : submit} onSubmit={send} onCancel={onClose} busy={removal.isPending || found === undefined} error={removal.error} danger={!blocked}>
          {children}
          {found && !blocked && <Back found={found} />}
          {asks && <TextField label={t("kit.confirm.type", { name: typed })} value={name} error={wrong ? t("kit.confirm.wrong", { name: typed }) : null} onChange={(event) => { setName(event.currentTarget.value); setWrong(false); }} />}
        </DialogForm>
      )}
    </Dialog>
  );
}

/** Until when it can be brought back. */
function Back({ found }: { found: Deletion[] }) {
  const t = useWords();
  const language = useLanguage();
  const first = found[0];
  if (!first) return null;
  return <p className={first.trash_days > 0 ? "muted" : "strong"}>{first.trash_days > 0 ? t("artifacts.going.until", { date: date(new Date(first.purge_time), language) }) : t("work.undone")}</p>;
}

/** What keeps something from going: the tag and the rule, or the index that names it. */
export function Refusals({ found }: { found: Deletion }) {
  const t = useWords();
  if (found.refused_count === 0) return null;
  return (
    <>
      <p>{t("artifacts.going.refused", { count: found.refused_count })}</p>
      <Names
        count={found.refused_count}
        names={found.refused.slice(0, SHOWN).map((one) => {
          if (one.tag !== null) return <span key={one.tag}><Name mono>{one.tag}</Name>{one.pattern !== null && <> <span className="muted">{t("artifacts.immutable.by", { rule: one.pattern })}</span></>}</span>;
          return one.index === null ? <code key={one.reason} translate="no">{one.reason}</code> : <span key={one.index}>{t("artifacts.going.inUse")} <code title={one.index} translate="no">{shortDigest(one.index)}</code></span>;
        })}
      />
    </>
  );
}

/** How many bytes come free, and how many are used elsewhere. */
export function Freed({ freed, shared }: { freed: number; shared: number }) {
  const t = useWords();
  const language = useLanguage();
  if (freed === 0 && shared === 0) return null;
  return <p>{t("artifacts.going.freed", { bytes: bytes(freed, language) })}{shared > 0 && <> {t("artifacts.going.shared", { bytes: bytes(shared, language) })}</>}</p>;
}

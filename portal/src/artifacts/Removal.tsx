// What removing would take along, as the server says it before anything is done; how far it is; and the way back, where there is a trash.
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState, type ReactNode } from "react";
import type { Deletion } from "../api/schema.ts";
import type { Problem } from "../api/problem.ts";
import { places } from "../app/paths.ts";
import { useMay } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { TextField } from "../kit/Field.tsx";
import { bytes, date, number, shortDigest } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Progress } from "../kit/Progress.tsx";
import { Refused } from "../kit/Refusals.tsx";
import { say } from "../kit/announcer.ts";
import { Name } from "../kit/values.tsx";
import { toast } from "../kit/toast.tsx";
import { restoreNewest } from "../trash/queries.ts";
import { removeEach, type Going } from "./removals.ts";
import kit from "../kit/kit.module.css";

const SHOWN = 5;

/** At most five names, and how many more there are. */
export function Names({ names, count = names.length }: { names: ReactNode[]; count?: number }) {
  const t = useTranslate();
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
 * brings it back. `going`: what is removed, one after the other; none: nothing is left that could be. `done`: what is said of so many.
 */
export function Removal({ title, submit, done, found, failed, retry, typed, going, project, changed, onClose, onDone, children }: {
  title: string;
  submit: string;
  done: (count: number, inTrash: boolean) => string;
  found: Deletion[] | undefined;
  failed: unknown;
  retry: () => void;
  typed?: string;
  going: Going[];
  project: string;
  changed: (leaving: boolean) => Promise<void> | void;
  onClose: () => void;
  onDone?: (() => void) | undefined;
  children: ReactNode;
}) {
  const t = useTranslate();
  const language = useLanguage();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState(false);
  const [tried, setTried] = useState<{ count: number; of: number } | null>(null);
  const [left, setLeft] = useState<{ one: Going; problem: Problem }[]>([]);
  const stops = useRef(false);
  const comesBack = found?.every((one) => one.trash_days > 0) ?? true;
  const blocked = going.length === 0 && left.length === 0; // afterwards the preview knows nothing of what has gone
  const asks = !comesBack && typed !== undefined && !blocked;
  const undo = (entries: string[]) => {
    restoreNewest(project, entries)
      .then(() => say(t("trash.restoredMany", { count: entries.length })))
      .catch(() => toast(t("artifacts.undo.failed"), { label: t("artifacts.undo.trash"), run: () => void navigate({ to: project === "" ? "/trash" : places.trash(project) }) }))
      .finally(() => void changed(false));
  };
  const removal = useMutation({
    mutationFn: async (these: Going[]) => {
      stops.current = false;
      setLeft([]);
      setTried({ count: 0, of: these.length });
      const { gone, stay } = await removeEach(these, (count) => setTried({ count, of: these.length }), () => stops.current);
      if (gone.length > 0) {
        const entries = gone.flatMap((one) => (one.entry === null ? [] : [one.entry]));
        toast(done(gone.length, comesBack), comesBack && entries.length > 0 ? { label: t("kit.undo"), run: () => undo(entries) } : undefined);
      }
      if (stay.length === 1 && gone.length === 0) throw stay[0]?.problem;
      return stay;
    },
    onSuccess: (stay) => {
      if (stay.length > 0) return setLeft(stay);
      onClose();
      if (!stops.current) onDone?.();
      return undefined;
    },
    onSettled: (stay, error) => changed(onDone !== undefined && error === null && stay?.length === 0 && !stops.current),
  });
  const send = () => {
    if (blocked) onClose();
    else if (asks && name !== typed) setWrong(true);
    else removal.mutate(left.length > 0 ? left.map(({ one }) => one) : going);
  };
  // What is on its way ends with the one in hand; what has gone by then is told, with the way back.
  const leave = () => {
    if (removal.isPending) stops.current = true;
    else onClose();
  };
  const several = removal.isPending && tried !== null && tried.of > 1;
  return (
    <Dialog title={title} opened onClose={leave}>
      {failed && left.length === 0 ? <ProblemBox error={failed} onRetry={retry} /> : (
        <DialogForm
          submit={blocked ? t("kit.dialog.close") : left.length > 0 ? t("problems.retry") : submit} onSubmit={send} onCancel={leave} busy={removal.isPending || (found === undefined && left.length === 0)} error={removal.error} danger={!blocked}
          {...(several ? { cancel: t("work.stop") } : left.length > 0 ? { cancel: t("kit.dialog.close") } : {})}
        >
          {left.length > 0 ? <Refused title={t("artifacts.going.left", { count: left.length })} left={left.map(({ one, problem }) => ({ name: one.name, problem }))} /> : children}
          {several && <Progress part={tried.count / tried.of} label={title} text={t("work.of", { done: number(tried.count, language), total: number(tried.of, language) })} />}
          {found && !blocked && left.length === 0 && <Back found={found} />}
          {asks && <TextField label={t("kit.confirm.type", { name: typed })} value={name} error={wrong ? t("kit.confirm.wrong", { name: typed }) : null} onChange={(event) => { setName(event.currentTarget.value); setWrong(false); }} />}
        </DialogForm>
      )}
    </Dialog>
  );
}

/** Until when it can be brought back. */
function Back({ found }: { found: Deletion[] }) {
  const t = useTranslate();
  const language = useLanguage();
  const first = found[0];
  if (!first) return null;
  return <p className={first.trash_days > 0 ? "muted" : "strong"}>{first.trash_days > 0 ? t("artifacts.going.until", { date: date(new Date(first.purge_time), language) }) : t("work.undone")}</p>;
}

/**
 * What keeps something from going: the tag and the rule, or the index that names it; of several artifacts also which.
 * `stay` of `of` things stay; `project`: whose rules keep them.
 */
export function Refusals({ found, stay, of = 1, project }: { found: Deletion; stay?: number; of?: number; project: string }) {
  const t = useTranslate();
  const may = useMay(project);
  if (found.refused_count === 0) return null;
  const [first] = found.refused;
  const immutable = found.refused.every((one) => one.reason === "TAG_IMMUTABLE");
  const rules = immutable && may("immutable-tag:list") && <p><Link to={places.immutability(project)}>{t("artifacts.going.rules")}</Link></p>;
  if (of === 1 && found.refused_count === 1 && immutable && first?.tag && first.pattern !== null) return <><p className={kit["breaks"]}>{t("artifacts.going.immutableTag", { tag: first.tag, rule: first.pattern })}</p>{rules}</>;
  return (
    <>
      <p>{of === 1 ? t("artifacts.going.refused", { count: found.refused_count }) : t(immutable ? "artifacts.going.immutable" : "artifacts.going.stay", { count: stay ?? found.refused_count, of })}</p>
      <Names
        count={found.refused_count}
        names={found.refused.slice(0, SHOWN).map((one) => {
          const where = one.artifact === null ? null : <><code title={one.artifact} translate="no">{shortDigest(one.artifact)}</code> </>;
          if (one.tag !== null) return <span key={one.tag}>{where}<Name mono>{one.tag}</Name>{one.pattern !== null && <> <span className="muted">{t("artifacts.immutable.by", { rule: one.pattern })}</span></>}</span>;
          return one.index === null ? <code key={one.reason} translate="no">{one.reason}</code> : <span key={one.index}>{where}{t("artifacts.going.inUse")} <code title={one.index} translate="no">{shortDigest(one.index)}</code></span>;
        })}
      />
      {rules}
    </>
  );
}

/** How many bytes come free, and how many are used elsewhere. */
export function Freed({ freed, shared }: { freed: number; shared: number }) {
  const t = useTranslate();
  const language = useLanguage();
  if (freed === 0 && shared === 0) return null;
  return <p>{t("artifacts.going.freed", { bytes: bytes(freed, language) })}{shared > 0 && <> {t("artifacts.going.shared", { bytes: bytes(shared, language) })}</>}</p>;
}

// How is the server set?
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { call } from "../api/client.ts";
import { Problem, asProblem } from "../api/problem.ts";
import { Missing } from "../app/states.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { LeaveGuard, useDraft } from "../kit/Draft.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox, useSay } from "../kit/ProblemBox.tsx";
import { Tabs } from "../kit/Tabs.tsx";
import { toast } from "../kit/toast.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import classes from "./configuration.module.css";
import { ItemField } from "./ItemField.tsx";
import { SECTIONS, changesOf, problemOf, type Group, type Item, type Said, type Section } from "./items.ts";
import { settingsChanged, settingsQuery } from "./queries.ts";
import { Trial } from "./Trial.tsx";
import { Saved } from "./Saved.tsx";
import { warningsOf } from "./warnings.ts";

const PLACE = "/admin/settings";

export default function SettingsPage() {
  const t = useTranslate();
  const { section = "general" } = useParams({ strict: false }) as { section?: string };
  const query = useQuery(settingsQuery);
  if (!(section in SECTIONS)) return <Missing />;
  const said = t(`configuration.section.${section}` as Key);
  return (
    <Page title={t("configuration.title")} windowTitle={[said, t("configuration.title")]}>
      <Tabs label={t("configuration.title")} tabs={(Object.keys(SECTIONS) as Section[]).map((one) => ({ to: one === "general" ? PLACE : `${PLACE}/${one}`, label: t(`configuration.section.${one}` as Key), exact: true }))} />
      {query.error !== null && !query.data && <ProblemBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && <Form key={section} section={section as Section} said={query.data} />}
      {query.isPending && <Waiting />}
    </Page>
  );
}

function Form({ section, said }: { section: Section; said: Record<string, Said> }) {
  const t = useTranslate();
  const groups: readonly Group[] = SECTIONS[section];
  const items = useMemo(() => groups.flatMap((one) => [...one.items]), [groups]);
  const isSecret = useCallback((name: string) => items.some((one) => one.name === name && one.kind === "secret"), [items]);
  const draft = useDraft(`settings/${section}`, isSecret);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  const changes = changesOf(items, said, draft.values);
  const count = Object.keys(changes).length;
  const label = (name: string) => t(`configuration.label.${name}` as Key);
  const say = useSay();

  /** Errors of the server go to their fields; false: it names none of these. */
  const toFields = (error: unknown): boolean => {
    const found = fieldsOf(error, items);
    if (found === null) return false;
    const problem = asProblem(error);
    if (problem.reason === "CONFIGURATION_FIXED") setWrong(Object.fromEntries(found.map((name) => [name, t("configuration.fixed", { variable: String(problem.detail["variable"] ?? "") })])));
    else void say(problem).then((text) => setWrong(Object.fromEntries(found.map((name) => [name, text]))));
    return true;
  };
  const save = useMutation({
    mutationFn: (_sent: Record<string, unknown>) => call("PUT /configurations", { body: changes }),
    onSuccess: async (answer, sent) => {
      await settingsChanged();
      draft.forget(sent);
      if (answer.headers.get("Warning") === null) toast(t("configuration.saved"));
    },
    onError: (error: Error) => void toFields(error),
  });
  useEffect(() => {
    const first = Object.keys(wrong)[0];
    if (first !== undefined) form.current?.querySelector<HTMLElement>(`[data-item="${first}"] :is(input, textarea)`)?.focus();
  }, [wrong]);
  const change = (name: string, value: unknown) => {
    draft.set({ [name]: value });
    if (name in wrong) setWrong(Object.fromEntries(Object.entries(wrong).filter(([one]) => one !== name)));
  };
  const send = () => {
    const found = items.filter((one) => one.name in changes).flatMap((one): [string, string][] => {
      const problem = problemOf(one, changes[one.name]);
      if (problem === null) return [];
      return [[one.name, problem === "json" ? t("configuration.wrong.json") : one.kind === "gib" ? t("configuration.wrong.size") : t("configuration.wrong.range", { min: one.min ?? 0, max: one.max ?? 0 })]];
    });
    setWrong(Object.fromEntries(found));
    if (found.length === 0) save.mutate(draft.values);
  };
  const values = Object.fromEntries([...Object.entries(said).map(([name, one]): [string, unknown] => [name, one.value]), ...Object.entries(draft.values)]);
  const toBeMended = Object.keys(wrong);
  // What was saved and does not work is told until the fields change, or are saved again.
  const warned = count === 0 ? warningsOf(save.data?.headers ?? new Headers()) : [];
  return (
    <form ref={form} data-section={section} className={classes["form"]} noValidate onSubmit={(event) => { event.preventDefault(); if (count > 0 && !save.isPending) send(); }}>
      <LeaveGuard dirty={count > 0 && !save.isPending} onDiscard={draft.clear} />
      {draft.found && count > 0 && <p className={classes["kept"]} role="status">{t("configuration.kept")}</p>}
      {groups.map((group) => (
        <section key={group.title} className="stack" aria-label={t(`configuration.group.${group.title}` as Key)}>
          <h2>{t(`configuration.group.${group.title}` as Key)}</h2>
          {group.items.map((one) => <ItemField key={one.name} item={one} said={said[one.name]} value={values[one.name]} wrong={wrong[one.name]} onChange={(value) => change(one.name, value)} />)}
          {group.test && <Trial service={group.test} values={values} onRefused={toFields} asked={warned.some((one) => one.service === group.test) ? save.submittedAt : 0} />}
        </section>
      ))}
      <div className={classes["foot"]}>
        {toBeMended.length > 0 && <p className="wrong" role="alert">{t("configuration.mend", { fields: toBeMended.map(label).join(", ") })}</p>}
        {warned.map((one) => <Saved key={one.said} warned={one} section={section} />)}
        {save.error && toBeMended.length === 0 && <ProblemBox error={save.error} />}
        <div className="row">
          <Button type="submit" loading={save.isPending} disabled={count === 0}>{t("configuration.save")}</Button>
          {count > 0 && <Button variant="subtle" onClick={() => { draft.clear(); setWrong({}); save.reset(); }}>{t("configuration.reset")}</Button>}
          <span className="small muted" aria-live="polite">{count > 0 ? t("configuration.unsaved", { count }) : ""}</span>
        </div>
      </div>
    </form>
  );
}

/** The settings that an error is about, those on this page; null: it is about something else. */
function fieldsOf(error: unknown, items: readonly Item[]): string[] | null {
  if (!(error instanceof Problem)) return null;
  const named: unknown[] = [error.detail["item"], ...(Array.isArray(error.detail["items"]) ? (error.detail["items"] as unknown[]) : []), ...(error.reason === "RECEIVER_UNUSABLE" ? ["audit_log_forward_endpoint"] : [])];
  const found = items.map((one) => one.name).filter((name) => named.includes(name));
  return found.length ? found : null;
}

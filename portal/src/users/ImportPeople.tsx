// People of the directory get their accounts before they sign in for the first time.
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { LdapFailedImportUser, LdapUser } from "../api/schema.ts";
import { useTranslate, useTranslator } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { CheckField, TextField } from "../kit/Field.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name } from "../kit/values.tsx";
import { toast } from "../kit/toast.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { usersChanged } from "./queries.ts";
import kit from "../kit/kit.module.css";
import classes from "./users.module.css";

const SHOWN = 50;
const TYPED_MS = 300;

/** Who could not be imported, as the server lists them with its refusal; null: it refused for another reason. */
const failedOf = (error: unknown): LdapFailedImportUser[] | null => (error instanceof Problem && Array.isArray(error.detail["entries"]) ? (error.detail["entries"] as LdapFailedImportUser[]) : null);

export function ImportPeople({ onClose }: { onClose: () => void }) {
  const t = useTranslate();
  const translator = useTranslator();
  const [text, setText] = useState("");
  const [asked] = useDebouncedValue(text.trim(), TYPED_MS);
  const [chosen, setChosen] = useState<string[]>([]);
  const [wrong, setWrong] = useState(false);
  const query = useQuery({
    queryKey: ["directory", "people", asked],
    enabled: asked !== "",
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await call("GET /ldap/users/search", { query: { username: asked }, signal })).data,
  });
  const add = useMutation({
    mutationFn: () => call("POST /ldap/users/import", { body: { ldap_uid_list: chosen } }),
    onSuccess: () => {
      toast(t("users.import.done", { count: chosen.length }));
      onClose();
    },
    // All others have their accounts: what is left to do stays chosen.
    onError: (error) => setChosen((old) => failedOf(error)?.map((one) => one.uid) ?? old),
    onSettled: usersChanged,
  });
  const failed = failedOf(add.error);
  const found = asked === "" ? undefined : query.data;
  // Who was chosen stays in sight when the next name is typed.
  const rest = chosen.filter((name) => !found?.slice(0, SHOWN).some((one) => one.username === name)).map((username): LdapUser => ({ username, realname: "", email: "" }));
  const choose = (name: string, on: boolean) => {
    setWrong(false);
    add.reset();
    setChosen(on ? [...chosen, name] : chosen.filter((one) => one !== name));
  };
  return (
    <Dialog title={t("users.import.title")} opened onClose={onClose} dirty={chosen.length > 0 && !add.isSuccess}>
      <DialogForm submit={t("users.import.submit", { count: chosen.length })} onSubmit={() => (chosen.length === 0 ? setWrong(true) : add.mutate())} onCancel={onClose} busy={add.isPending} error={failed === null ? add.error : null}>
        <p>{t("users.import.about")}</p>
        <TextField label={t("users.import.search")} description={t("users.import.hint")} value={text} error={wrong ? t("users.import.missing") : null} data-autofocus onChange={(event) => { setText(event.currentTarget.value); setWrong(false); }} />
        {query.error && <ProblemBox error={query.error} onRetry={() => void query.refetch()} />}
        {asked !== "" && query.isPending && !query.error && <Waiting />}
        {[...rest, ...(found ?? []).slice(0, SHOWN)].length > 0 && (
          <ul className={classes["people"]} aria-label={t("users.import.title")}>
            {[...rest, ...(found ?? []).slice(0, SHOWN)].map((one) => (
              <li key={one.username}><CheckField label={<><Name>{one.username}</Name> {one.realname && <span className="muted">{one.realname}</span>}</>} checked={chosen.includes(one.username)} onChange={(event) => choose(one.username, event.currentTarget.checked)} {...(one.email ? { description: one.email } : {})} /></li>
            ))}
          </ul>
        )}
        {found?.length === 0 && <p className="muted">{t("users.import.none")}</p>}
        {found !== undefined && found.length > SHOWN && <p className="muted">{t("users.import.most", { count: SHOWN })}</p>}
        {failed && (
          <div role="alert" className="stack">
            <p>{t("users.import.failed")}</p>
            <ul className={kit["names"]}>{failed.map((one) => <li key={one.uid}><Name>{one.uid}</Name>: <bdi>{translator.find(`users.import.reason.${one.reason}`) ?? one.error}</bdi></li>)}</ul>
          </div>
        )}
      </DialogForm>
    </Dialog>
  );
}

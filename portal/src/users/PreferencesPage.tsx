// How do I want this page to be?
import { useMantineColorScheme } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { areLettersOn, setLetters } from "../app/letterKeys.ts";
import { prefer, type Preferences, type Theme } from "../app/preferences.ts";
import { useUser } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { LANGUAGES, type Language } from "../i18n/languages.ts";
import { setLanguage } from "../i18n/loading.ts";
import { SelectField, SwitchField } from "../kit/Field.tsx";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Time } from "../kit/values.tsx";
import { density, setDensity, type Density } from "../kit/density.ts";
import { setTimes, useTimes, type Times } from "../kit/times.ts";
import classes from "./account.module.css";

export default function PreferencesPage() {
  const t = useTranslate();
  const user = useUser();
  const language = useLanguage();
  const times = useTimes();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [letters, setOwnLetters] = useState(areLettersOn);
  const [rows, setRows] = useState(density);
  const [opened] = useState(() => new Date(Date.now() - 90_000).toISOString());
  const keep = useMutation({ mutationFn: (change: Preferences) => prefer(change) });
  return (
    <Page title={t("account.preferences.title")} under={<p className="muted">{user ? t("account.preferences.kept") : t("account.preferences.keptHere")}</p>}>
      <form className={`stack ${classes["form"]}`} aria-label={t("account.preferences.title")} onSubmit={(event) => event.preventDefault()}>
        <SelectField label={t("shell.language.label")} value={language} data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} onChange={(value) => { void setLanguage(value as Language, true); keep.mutate({ language: value as Language }); }} />
        <SelectField label={t("shell.theme.label")} value={colorScheme} data={[{ value: "auto", label: t("shell.theme.system") }, { value: "light", label: t("shell.theme.light") }, { value: "dark", label: t("shell.theme.dark") }]} onChange={(value) => { setColorScheme(value as Theme); keep.mutate({ theme: value as Theme }); }} />
        <SelectField label={t("account.preferences.times")} value={times} data={(["relative", "absolute", "iso"] as Times[]).map((value) => ({ value, label: t(`account.preferences.time.${value}`) }))} onChange={(value) => { setTimes(value as Times); keep.mutate({ times: value as Times }); }} />
        <p className="small muted">{t("account.preferences.example")} <Time value={opened} /></p>
        <SelectField label={t("account.preferences.density")} value={rows} data={(["compact", "comfortable"] as Density[]).map((value) => ({ value, label: t(`account.preferences.rows.${value}`) }))} onChange={(value) => { setRows(value as Density); setDensity(value as Density); keep.mutate({ density: value as Density }); }} />
        <SwitchField label={t("account.preferences.letters")} description={t("account.preferences.lettersHint")} checked={letters} onChange={(event) => { const on = event.currentTarget.checked; setOwnLetters(on); setLetters(on); keep.mutate({ letters: on }); }} />
        {keep.error && <ProblemBox error={keep.error} />}
      </form>
    </Page>
  );
}

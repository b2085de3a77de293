// When something starts by itself: in words, and as a field.
import { useTranslate, useLanguage } from "../i18n/hooks.ts";
import type { Key, Translate } from "../i18n/translator.ts";
import { CRONS, plainCron, weekdayName, type Kind } from "./cron.ts";
import { SelectField, TextField } from "./Field.tsx";
import { listed } from "./format.ts";

const KINDS: [Kind, Key][] = [
  ["None", "work.schedule.none"], ["Hourly", "work.schedule.hourly"], ["Daily", "work.schedule.daily"], ["Weekly", "work.schedule.weekly"], ["Custom", "work.schedule.custom"],
];

/** A cron expression in words, with its zone; one that is not simple stays as it is. */
export function saidCron(cron: string, t: Translate, language: string): string {
  const plain = plainCron(cron);
  if (plain === null) return t("work.schedule.cron", { cron });
  const two = (figure: number) => String(figure).padStart(2, "0");
  const time = listed(plain.hours.map((hour) => `${two(hour)}:${two(plain.minute)}`), language);
  if (plain.every === "hour") return t("work.schedule.saidHour", { minute: plain.minute });
  if (plain.every === "day") return t("work.schedule.saidDay", { time });
  return t("work.schedule.saidWeek", { day: weekdayName(plain.weekday, language), time });
}

/** The same as words that stand by themselves: with a capital, where the language has them. */
export function useSaidCron(): (cron: string) => string {
  const t = useTranslate();
  const language = useLanguage();
  return (cron) => {
    const words = saidCron(cron, t, language);
    return words.charAt(0).toLocaleUpperCase(language) + words.slice(1);
  };
}

export interface Planned {
  kind: Kind;
  cron: string;
}

/** What the API says of a schedule, as the field has it. */
export function plannedOf(kind: string | undefined, cron: string | undefined): Planned {
  if (!cron && (!kind || kind === "None")) return { kind: "None", cron: "" };
  const usual = (Object.keys(CRONS) as (keyof typeof CRONS)[]).find((one) => kind === one && (!cron || cron === CRONS[one]));
  return { kind: usual ?? "Custom", cron: cron ?? "" };
}

/** What the API wants of it. */
export const scheduleOf = (one: Planned): { type: string; cron: string } => (one.kind === "None" ? { type: "None", cron: "" } : { type: one.kind, cron: one.kind === "Custom" ? one.cron.trim() : CRONS[one.kind] });

/** `without`: kinds that make no sense here. */
export function ScheduleField({ label, value, onChange, error, without = [] }: { label: string; value: Planned; onChange: (value: Planned) => void; error?: string | null; without?: Kind[] }) {
  const t = useTranslate();
  const said = useSaidCron();
  const cron = value.kind === "Custom" ? value.cron : value.kind === "None" ? "" : CRONS[value.kind];
  const kinds = KINDS.filter(([kind]) => !without.includes(kind));
  return (
    <>
      <SelectField label={label} value={value.kind} data={kinds.map(([kind, key]) => ({ value: kind, label: t(key) }))} onChange={(kind) => onChange({ kind: kind as Kind, cron: value.cron || (value.kind !== "None" && value.kind !== "Custom" ? CRONS[value.kind] : "0 0 3 * * 0") })} />
      {value.kind === "Custom" && <TextField label={t("work.schedule.field")} description={t("work.schedule.rule")} value={value.cron} error={error} onChange={(event) => onChange({ kind: "Custom", cron: event.currentTarget.value })} classNames={{ input: "mono" }} />}
      {cron && plainCron(cron) && <p className="small muted">{said(cron)}</p>}
    </>
  );
}

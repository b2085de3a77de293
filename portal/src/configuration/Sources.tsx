// Where people come from, in the order in which they are asked.
import { ActionIcon, Button } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import classes from "./configuration.module.css";

const ALL = ["local", "ldap", "oidc", "header"];

export function Sources({ label, value, disabled, lock, wrong, onChange }: { label: string; value: string[]; disabled: boolean; lock: ReactNode; wrong: string | undefined; onChange: (value: string[]) => void }) {
  const t = useTranslate();
  const name = (one: string) => t(`configuration.source.${one}` as Key);
  const move = (index: number, by: number) => {
    const next = value.filter((_, at) => at !== index);
    next.splice(index + by, 0, value[index] ?? "");
    onChange(next);
  };
  return (
    <fieldset className="plain stack">
      <legend>{label}</legend>
      <p className="small muted">{t("configuration.sources.hint")}</p>
      {lock}
      <ol className={classes["sources"]}>
        {value.map((one, index) => (
          <li key={one}>
            <span className="figures muted">{index + 1}</span>
            <span>{name(one)}</span>
            <span className="grow" />
            <ActionIcon aria-label={t("configuration.sources.up", { source: name(one) })} disabled={disabled || index === 0} onClick={() => move(index, -1)}><IconArrowUp size={16} stroke={1.5} /></ActionIcon>
            <ActionIcon aria-label={t("configuration.sources.down", { source: name(one) })} disabled={disabled || index === value.length - 1} onClick={() => move(index, 1)}><IconArrowDown size={16} stroke={1.5} /></ActionIcon>
            <Button size="xs" variant="subtle" aria-label={t("configuration.sources.removeOf", { source: name(one) })} disabled={disabled || value.length === 1} onClick={() => onChange(value.filter((each) => each !== one))}>{t("configuration.sources.remove")}</Button>
          </li>
        ))}
      </ol>
      {!disabled && (
        <div className="row">
          {ALL.filter((one) => !value.includes(one)).map((one) => <Button key={one} size="xs" variant="default" onClick={() => onChange([...value, one])}>{t("configuration.sources.add", { source: name(one) })}</Button>)}
        </div>
      )}
      {wrong && <p className="wrong" role="alert">{wrong}</p>}
    </fieldset>
  );
}

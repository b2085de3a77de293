// One live setting as a field: by its kind; fixed where the environment sets it.
import { Checkbox } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { NumberField, PasswordField, SelectField, SwitchField, TextArea, TextField } from "../kit/Field.tsx";
import { useEvent } from "../audit/events.tsx";
import { limitOf, shownLimit } from "../quotas/limit.ts";
import { BannerFields } from "./BannerFields.tsx";
import classes from "./configuration.module.css";
import type { Item, Said } from "./items.ts";
import { eventsQuery } from "./queries.ts";
import { Sources } from "./Sources.tsx";

export interface FieldProps {
  item: Item;
  said: Said | undefined;
  /** What stands in the field now. */
  value: unknown;
  wrong: string | undefined;
  onChange: (value: unknown) => void;
}

export function ItemField(props: FieldProps) {
  return <div className="stack" data-item={props.item.name}><Field {...props} /></div>;
}

function Field({ item, said, value, wrong, onChange }: FieldProps) {
  const t = useTranslate();
  const label = t(`configuration.label.${item.name}` as Key);
  const disabled = said !== undefined && !said.editable;
  const text = typeof value === "string" ? value : "";
  const hint = item.hinted ? t(`configuration.hint.${item.name}` as Key) : undefined;
  const lock = disabled ? <Lock variable={said.variable ?? ""} /> : null;
  const description: ReactNode = lock ? <>{hint}{lock}</> : hint;
  const common = { label, disabled, error: wrong, ...(description ? { description } : {}) };
  switch (item.kind) {
    case "switch":
      return <SwitchField {...common} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case "number":
      return <NumberField {...common} classNames={{ wrapper: classes["short"] ?? "" }} value={typeof value === "number" ? value : text} onChange={onChange} />;
    case "limit":
      return <NumberField {...common} classNames={{ wrapper: classes["short"] ?? "" }} placeholder={t("configuration.noLimit")} value={value === -1 ? "" : typeof value === "number" ? value : text} onChange={(typed) => onChange(typed === "" ? -1 : typed)} />;
    case "gib":
      return <NumberField {...common} classNames={{ wrapper: classes["short"] ?? "" }} placeholder={t("configuration.noLimit")} suffix=" GiB" decimalScale={2} value={typeof value === "number" ? shownLimit(value) : text} onChange={(typed) => onChange(limitOf(String(typed)))} />;
    case "secret":
      return <PasswordField {...common} description={t("configuration.secret")} autoComplete="new-password" value={text} onChange={(event) => onChange(event.currentTarget.value)} />;
    case "pem":
      return <TextArea {...common} optional maxRows={8} classNames={{ input: "mono" }} spellCheck={false} value={text} onChange={(event) => onChange(event.currentTarget.value)} />;
    case "json":
      return <TextArea {...common} optional maxRows={8} classNames={{ input: "mono" }} spellCheck={false} value={text === "{}" ? "" : text} onChange={(event) => onChange(event.currentTarget.value || "{}")} />;
    case "choice":
      return <SelectField {...common} value={String(value ?? "")} data={(item.choices ?? []).map((one) => ({ value: String(one), label: t(`configuration.choice.${one}` as Key) }))} onChange={(chosen) => onChange((item.choices ?? []).find((one) => String(one) === chosen))} />;
    case "sources":
      return <Sources label={label} value={Array.isArray(value) ? (value as string[]) : []} disabled={disabled} lock={lock} wrong={wrong} onChange={onChange} />;
    case "banner":
      return <BannerFields value={value} disabled={disabled} lock={lock} wrong={wrong} onChange={onChange} />;
    case "events":
      return <Events {...common} value={text} onChange={onChange} />;
    default:
      return <TextField {...common} {...(item.kind === "name" ? { translate: "no" as const } : {})} value={text} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
}

/** Why a field can't be changed here. */
function Lock({ variable }: { variable: string }) {
  const t = useTranslate();
  return <span className={classes["lock"]}><IconLock size={14} stroke={1.5} aria-hidden /> {t("configuration.fixed", { variable })}</span>;
}

/** Kinds of events, with commas between them in the API. */
function Events({ label, description, disabled, error, value, onChange }: { label: string; description?: ReactNode; disabled: boolean; error: string | undefined; value: string; onChange: (value: string) => void }) {
  const said = useEvent();
  const known = useQuery(eventsQuery).data ?? [];
  return (
    <Checkbox.Group label={label} description={description} error={error} value={value === "" ? [] : value.split(",")} onChange={(chosen) => onChange(known.filter((one) => chosen.includes(one)).join(","))}>
      <div className={classes["events"]} role="group" aria-label={label} tabIndex={0}>
        {known.map((one) => <Checkbox key={one} value={one} label={said(one)} title={one} disabled={disabled} />)}
      </div>
    </Checkbox.Group>
  );
}

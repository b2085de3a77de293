// The banner that stands on every page: its text, its tone, its days; as it will look.
import { IconCalendar } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Band } from "../app/Bands.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { SelectField, SwitchField, TextArea, TextField } from "../kit/Field.tsx";
import { TONES, readBanner, writeBanner, type Banner, type Tone } from "./banner.ts";
import classes from "./configuration.module.css";

const LOOKS = { info: "accent", success: "ok", warning: "warn", danger: "danger" } as const;

export function BannerFields({ value, disabled, lock, wrong, onChange }: { value: unknown; disabled: boolean; lock: ReactNode; wrong: string | undefined; onChange: (value: string) => void }) {
  const t = useTranslate();
  const banner = readBanner(value);
  const change = (part: Partial<Banner>) => onChange(writeBanner({ ...banner, ...part }));
  return (
    <>
      <TextArea label={t("configuration.label.banner_message")} optional disabled={disabled} error={wrong} description={<>{t("configuration.banner.hint")}{lock}</>} value={banner.message} onChange={(event) => change({ message: event.currentTarget.value })} />
      {banner.message !== "" && (
        <>
          <SelectField label={t("configuration.banner.tone")} disabled={disabled} value={banner.type} data={TONES.map((one) => ({ value: one, label: t(`configuration.banner.${one}` as Key) }))} onChange={(type) => change({ type: type as Tone })} />
          <div className={classes["pair"]}>
            <TextField type="date" leftSection={<IconCalendar size={16} stroke={1.5} aria-hidden />} label={t("configuration.banner.from")} optional disabled={disabled} value={banner.fromDate} onChange={(event) => change({ fromDate: event.currentTarget.value })} />
            <TextField type="date" leftSection={<IconCalendar size={16} stroke={1.5} aria-hidden />} label={t("configuration.banner.to")} optional disabled={disabled} value={banner.toDate} onChange={(event) => change({ toDate: event.currentTarget.value })} />
          </div>
          <SwitchField label={t("configuration.banner.closable")} disabled={disabled} checked={banner.closable} onChange={(event) => change({ closable: event.currentTarget.checked })} />
          <Band tone={LOOKS[banner.type]}>{banner.message}</Band>
        </>
      )}
    </>
  );
}

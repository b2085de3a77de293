// How a project mirrors another registry: which one, how often it is asked, what is kept and how fast it comes.
import { useQuery } from "@tanstack/react-query";
import { useTranslate } from "../i18n/hooks.ts";
import { Facts } from "../kit/Facts.tsx";
import { NumberField, SelectField, SwitchField, TextField } from "../kit/Field.tsx";
import { Name } from "../kit/values.tsx";
import { summaryQuery } from "../projects/queries.ts";
import { shownLimit } from "./proxy.ts";
import classes from "../projects/settings.module.css";

export function ProxyFields({ project, values, wrong, disabled, onChange }: { project: string; values: Record<string, string>; wrong: Record<string, string>; disabled: boolean; onChange: (name: string, value: string) => void }) {
  const t = useTranslate();
  const upstream = useQuery(summaryQuery(project)).data?.registry;
  const limit = (name: string) => ({ value: shownLimit(values[name] ?? ""), error: wrong[name], disabled, classNames: { input: classes["number"] ?? "" }, min: 0, placeholder: t("settings.proxy.noLimit"), onChange: (value: string | number | bigint) => onChange(name, value === "" ? "-1" : String(value)) });
  const flag = (name: string) => ({ checked: values[name] === "true", disabled, onChange: (event: React.ChangeEvent<HTMLInputElement>) => onChange(name, String(event.currentTarget.checked)) });
  return (
    <>
      <h2>{t("settings.proxy.title")}</h2>
      {upstream && <Facts rows={[[t("settings.proxy.upstream"), <Name key="n">{upstream.name ?? ""}</Name>], [t("settings.proxy.address"), upstream.url ? <span key="u" translate="no">{upstream.url}</span> : null]]} />}
      <NumberField label={t("settings.proxy.seconds")} optional description={t("settings.proxy.secondsHint")} value={values["proxy_cache_tag_seconds"] ?? ""} error={wrong["proxy_cache_tag_seconds"]} disabled={disabled} classNames={{ input: classes["number"] ?? "" }} min={0} onChange={(value) => onChange("proxy_cache_tag_seconds", String(value))} />
      <SwitchField label={t("settings.proxy.local")} description={t("settings.proxy.localHint")} {...flag("proxy_cache_local_on_not_found")} />
      <SwitchField label={t("settings.proxy.evict")} description={t("settings.proxy.evictHint")} {...flag("proxy_cache_evict")} />
      <SwitchField label={t("settings.proxy.referrers")} {...flag("proxy_referrer_api")} />
      <NumberField label={t("settings.proxy.speed")} description={t("settings.proxy.speedHint")} suffix=" KiB/s" {...limit("proxy_speed_kb")} />
      <NumberField label={t("settings.proxy.connections")} description={t("settings.proxy.connectionsHint")} {...limit("max_upstream_conn")} />
      <SelectField label={t("settings.proxy.kind")} disabled={disabled} value={values["proxy_cache_filter_kind"] ?? "doublestar"} data={[{ value: "doublestar", label: t("settings.proxy.doublestar") }, { value: "regex", label: t("settings.proxy.regex") }]} onChange={(value) => onChange("proxy_cache_filter_kind", String(value))} />
      <TextField label={t("settings.proxy.pattern")} optional description={t("settings.proxy.patternHint")} value={values["proxy_cache_filter_pattern"] ?? ""} error={wrong["proxy_cache_filter_pattern"]} disabled={disabled} maxLength={1024} classNames={{ input: "mono" }} onChange={(event) => onChange("proxy_cache_filter_pattern", event.currentTarget.value)} />
    </>
  );
}

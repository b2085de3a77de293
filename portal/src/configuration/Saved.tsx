// Saved, and it does not work: what that means for people, and what to do.
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import classes from "./configuration.module.css";
import type { Section } from "./items.ts";
import type { Warned } from "./warnings.ts";

export function Saved({ warned, section }: { warned: Warned; section: Section }) {
  const t = useTranslate();
  const { service, said } = warned;
  return (
    <div role="alert" className={classes["warned"]} data-warned={service ?? "other"}>
      <IconAlertTriangle size={16} stroke={1.5} aria-hidden />
      <div className="stack">
        <p>{t(`configuration.warned.${service ?? "other"}` as Key)}</p>
        {service !== section && <p className="small" lang="en"><bdi>{said}</bdi></p>}
        {service === section && <p>{t("configuration.warned.mend")}</p>}
        {service !== null && service !== section && <p><Link to={`/admin/settings/${service}`}>{t("configuration.warned.go", { section: t(`configuration.section.${service}` as Key) })}</Link></p>}
      </div>
    </div>
  );
}

// Lines under the bar that concern every page: read-only, the administrator's banner, a newer version of the page.
import { ActionIcon, Button } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { duration } from "../kit/format.ts";
import { stay, useEnding } from "./sessionExpiry.ts";
import { useReach } from "./connectivity.ts";
import { systemQuery } from "./session.tsx";
import { askAgain, useLost } from "./sessionWatch.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import classes from "./shell.module.css";

export function Bands() {
  const t = useTranslate();
  const system = useQuery(systemQuery).data;
  const { declined, lost } = useLost();
  const ending = useEnding();
  const language = useLanguage();
  const [isOld, setOld] = useState(false);
  const away = useReach();
  const [closed, setClosed] = useState(readClosed);
  const close = (text: string) => {
    setClosed(text);
    try {
      sessionStorage.setItem(CLOSED, text);
    } catch { /* it holds for this page */ }
  };
  useEffect(() => {
    const old = () => setOld(true);
    window.addEventListener("moorage:new-version", old);
    return () => {
      window.removeEventListener("moorage:new-version", old);
    };
  }, []);
  const banner = bannerOf(system?.banner_message);
  return (
    <div className={classes["bands"]} aria-live="polite" data-no-print>
      {system?.read_only && <div className={classes["band"]} data-tone="warn">{t("shell.band.readOnly")}</div>}
      {declined && <div className={classes["band"]} data-tone="warn">{t("shell.band.signedOut")} <Button size="xs" variant="default" onClick={askAgain}>{t("identity.signIn.action")}</Button></div>}
      {ending && !declined && lost === null && (
        <div className={classes["band"]} data-tone="warn">
          {t(ending.renews ? "shell.band.ends" : "shell.band.endsAnyway", { time: new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(ending.at) })}
          {ending.renews && <> <Button size="xs" variant="default" onClick={() => void stay().catch(() => undefined)}>{t("shell.band.stay")}</Button></>}
        </div>
      )}
      {away !== null && <div className={classes["band"]} data-tone="warn"><span className="hidden">{t("problems.offline")}</span><span aria-hidden>{t("shell.band.away", { time: duration(Math.max(1, away), language) })}</span></div>}
      {banner && closed !== banner.text && <Band tone={banner.tone} {...(banner.closable ? { onClose: () => close(banner.text) } : {})}>{banner.text}</Band>}
      {isOld && <div className={classes["band"]} data-tone="accent">{t("shell.band.newVersion")} <Button size="xs" variant="default" onClick={() => location.reload()}>{t("shell.band.reload")}</Button></div>}
    </div>
  );
}

const CLOSED = "moorage-banner-closed";

/** The banner that was closed in this window. */
function readClosed(): string {
  try {
    return sessionStorage.getItem(CLOSED) ?? "";
  } catch {
    return "";
  }
}

/** One line under the bar. */
export function Band({ tone, children, onClose }: { tone: "accent" | "ok" | "warn" | "danger"; children: ReactNode; onClose?: () => void }) {
  const t = useTranslate();
  return (
    <div className={classes["band"]} data-tone={tone}>
      <bdi className={classes["bandText"]}>{children}</bdi>
      {onClose && <ActionIcon aria-label={t("shell.band.close")} onClick={onClose}><IconX size={16} stroke={1.5} /></ActionIcon>}
    </div>
  );
}

/** The contract's banner: the text of a JSON object with `message`, `type`, `fromDate` and `toDate`. */
export function bannerOf(text: string | undefined): { text: string; tone: "accent" | "ok" | "warn" | "danger"; closable: boolean } | null {
  if (!text) return null;
  try {
    const said = JSON.parse(text) as Record<string, unknown>;
    const message = typeof said["message"] === "string" ? said["message"] : "";
    const until = typeof said["toDate"] === "string" && said["toDate"] ? new Date(said["toDate"]).getTime() + 86_400_000 : Infinity;
    const from = typeof said["fromDate"] === "string" && said["fromDate"] ? new Date(said["fromDate"]).getTime() : -Infinity;
    if (!message || Date.now() > until || Date.now() < from) return null;
    const tones: Record<string, "accent" | "ok" | "warn" | "danger"> = { success: "ok", warning: "warn", danger: "danger" };
    return { text: message, tone: tones[String(said["type"])] ?? "accent", closable: said["closable"] === true };
  } catch {
    return { text, tone: "accent", closable: false };
  }
}

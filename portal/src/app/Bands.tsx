// Lines under the bar that concern every page: read-only, the administrator's banner, a newer version of the page.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { systemQuery } from "./session.tsx";
import { useWords } from "./words.ts";
import classes from "./shell.module.css";

export function Bands() {
  const t = useWords();
  const system = useQuery(systemQuery).data;
  const [isOld, setOld] = useState(false);
  const [isOffline, setOffline] = useState(false);
  useEffect(() => {
    const old = () => setOld(true);
    const line = () => setOffline(!navigator.onLine);
    window.addEventListener("moorage:new-version", old);
    window.addEventListener("online", line);
    window.addEventListener("offline", line);
    return () => {
      window.removeEventListener("moorage:new-version", old);
      window.removeEventListener("online", line);
      window.removeEventListener("offline", line);
    };
  }, []);
  const banner = bannerOf(system?.banner_message);
  return (
    <div className={classes["bands"]} role="status" data-no-print>
      {system?.read_only && <div className={classes["band"]} data-tone="warn">{t("shell.band.readOnly")}</div>}
      {isOffline && <div className={classes["band"]} data-tone="warn">{t("problems.offline")}</div>}
      {banner && <div className={classes["band"]} data-tone={banner.tone}>{banner.text}</div>}
      {isOld && <div className={classes["band"]} data-tone="accent">{t("shell.band.newVersion")} <Button size="xs" variant="default" onClick={() => location.reload()}>{t("shell.band.reload")}</Button></div>}
    </div>
  );
}

/** The contract's banner: the text of a JSON object with `message`, `type`, `fromDate` and `toDate`. */
export function bannerOf(text: string | undefined): { text: string; tone: "accent" | "ok" | "warn" | "danger" } | null {
  if (!text) return null;
  try {
    const said = JSON.parse(text) as Record<string, unknown>;
    const message = typeof said["message"] === "string" ? said["message"] : "";
    const until = typeof said["toDate"] === "string" && said["toDate"] ? new Date(said["toDate"]).getTime() + 86_400_000 : Infinity;
    const from = typeof said["fromDate"] === "string" && said["fromDate"] ? new Date(said["fromDate"]).getTime() : -Infinity;
    if (!message || Date.now() > until || Date.now() < from) return null;
    const tones: Record<string, "accent" | "ok" | "warn" | "danger"> = { success: "ok", warning: "warn", danger: "danger" };
    return { text: message, tone: tones[String(said["type"])] ?? "accent" };
  } catch {
    return { text, tone: "accent" };
  }
}

// What starts a policy, in words.
import type { ReplicationPolicy } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { useSaidCron } from "../kit/Schedule.tsx";

export function useTrigger(): (policy: ReplicationPolicy) => string {
  const t = useTranslate();
  const said = useSaidCron();
  return (policy) => {
    const trigger = policy.trigger;
    if (trigger?.type === "scheduled") return said(trigger.trigger_settings?.cron ?? "");
    return trigger?.type === "event_based" ? t("replications.trigger.event") : t("replications.trigger.manual");
  };
}

// What a policy can tell of, in words. A type that has none yet is shown as the API names it.
import type { Key, Translate } from "../i18n/translator.ts";

const WORDS: Record<string, Key> = {
  PUSH_ARTIFACT: "webhooks.event.push", PULL_ARTIFACT: "webhooks.event.pull", DELETE_ARTIFACT: "webhooks.event.delete", TAG_RETENTION: "webhooks.event.retention",
  QUOTA_EXCEED: "webhooks.event.quotaExceeded", QUOTA_WARNING: "webhooks.event.quotaWarning", REPLICATION: "webhooks.event.replication",
};

export function eventWord(type: string, t: Translate): string {
  const key = WORDS[type];
  return key === undefined ? type : t(key);
}

// Tells once of work that was begun in this window and has ended: to who listens, and as a notice to who looks elsewhere.
import { useQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useEffect, useSyncExternalStore } from "react";
import { call } from "../api/client.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { followed, forget, hear } from "./followedRuns.ts";
import { say } from "../kit/announcer.ts";
import { toast } from "../kit/toast.tsx";
import { watched } from "../kit/polling.ts";
import { isOver } from "../kit/Work.tsx";
import { placeOf, useKind } from "./kinds.ts";

const LISTS = ["/activity", "/admin/jobs"];

export function Finish() {
  const t = useTranslate();
  const kind = useKind();
  const ours = [...useSyncExternalStore(hear, followed)];
  const here = useRouterState({ select: (state) => state.location.pathname });
  const runs = useQuery({
    queryKey: ["jobs", "ours", ours],
    enabled: ours.length > 0,
    ...watched(() => ours.length > 0),
    queryFn: async ({ signal }) => (await call("GET /jobservice/executions", { query: { q: `id={${ours.join(" ")}}`, page_size: 100 }, signal, quiet: true })).data,
  }).data;
  useEffect(() => {
    for (const one of runs ?? []) {
      if (!isOver(one.status) || !followed().has(one.id)) continue;
      forget(one.id);
      const values = { kind: [kind(one.vendor_type), one.subject, one.project].filter(Boolean).join(" ") };
      const text = t(one.status === "Success" ? "jobs.ended.done" : one.status === "Stopped" ? "jobs.ended.stopped" : "jobs.ended.failed", values);
      const place = placeOf(one, { run: true })?.split("?")[0];
      if (LISTS.includes(here)) say(text);
      else if (here !== place) toast(text); // its own page has said it
    }
  }, [runs, here, kind, t]);
  return null;
}

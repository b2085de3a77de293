// The live settings of the server: ["configuration"].
import { queryOptions } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { queries } from "../app/session.tsx";
import type { Said } from "./items.ts";

export const settingsQuery = queryOptions({ queryKey: ["configuration"], queryFn: async ({ signal }) => (await call("GET /configurations", { signal })).data as Record<string, Said> });

/** Kinds of events that the audit log can leave out. */
export const eventsQuery = queryOptions({ queryKey: ["configuration", "events"], staleTime: Infinity, queryFn: async ({ signal }) => (await call("GET /auditlog-exts/events", { signal })).data.map((one) => one.event_type ?? "") });

/** What the settings decide elsewhere: the bands, what the page for signing in offers. */
export const settingsChanged = async () => {
  await queries.invalidateQueries({ queryKey: ["configuration"] });
  await queries.invalidateQueries({ queryKey: ["system"] });
};

// What somebody prefers: kept by the server for whoever is signed in, and by the browser for all.
import { useMantineColorScheme } from "@mantine/core";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { call } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import { isColumns, onColumns, readColumns, setColumns, type Columns } from "../kit/columns.ts";
import { density, isDensity, setDensity, type Density } from "../kit/density.ts";
import { isTimes, setTimes, times, type Times } from "../kit/times.ts";
import { areLettersOn, setLetters } from "./letterKeys.ts";
import { queries, sessionQuery, useUser } from "./session.tsx";
import { useLanguage } from "../i18n/hooks.ts";
import { LANGUAGES, type Language } from "../i18n/languages.ts";
import { setLanguage } from "../i18n/loading.ts";

export type Theme = "auto" | "light" | "dark";
/** What this page reads of the document; what others keep in it stays. */
export interface Preferences {
  language?: Language;
  theme?: Theme;
  times?: Times;
  letters?: boolean;
  density?: Density;
  /** Columns, by table. */
  tables?: Record<string, Columns>;
  /** The first steps are done, or were put away. */
  first_run?: "done";
}

export const preferencesQuery = queryOptions({
  queryKey: ["preferences"],
  staleTime: 300_000,
  queryFn: async (): Promise<{ own: Preferences; tag: string }> => {
    const { data, headers } = await call("GET /users/current/preferences");
    return { own: data as Preferences, tag: headers.get("ETag") ?? "" };
  },
});

/** Keep a preference on the server, beside those that are there; another tab's are not lost. Nobody is signed in: nothing. */
export async function prefer(change: Preferences | ((own: Preferences) => Preferences)): Promise<void> {
  if (!queries.getQueryData(sessionQuery.queryKey)) return;
  for (const staleTime of [Infinity, 0]) {
    const { own, tag } = await queries.fetchQuery({ ...preferencesQuery, staleTime });
    const next = { ...own, ...(typeof change === "function" ? change(own) : change) };
    try {
      const { headers } = await call("PUT /users/current/preferences", { body: next, header: { "If-Match": tag }, keepalive: true });
      queries.setQueryData(preferencesQuery.queryKey, { own: next, tag: headers.get("ETag") ?? "" });
      return;
    } catch (error) {
      if (asProblem(error).status !== 412 || staleTime === 0) throw error;
    }
  }
}

const SETTLED_MS = 600; // several columns are chosen in a row: one request

const changed = new Map<string, Columns>(); // not kept yet: what the server has of them is older

/** Keep the columns that are chosen in tables, once their reader is done with it. What fails holds in this browser. */
function keepColumns(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const save = () => {
    clearTimeout(timer);
    if (changed.size === 0) return;
    const now = Object.fromEntries(changed);
    changed.clear();
    prefer((own) => ({ tables: { ...own.tables, ...now } })).catch(() => undefined);
  };
  const end = onColumns((id, columns) => {
    changed.set(id, columns);
    clearTimeout(timer);
    timer = setTimeout(save, SETTLED_MS);
  });
  window.addEventListener("pagehide", save); // who leaves at once has chosen, too
  return () => {
    end();
    clearTimeout(timer);
    window.removeEventListener("pagehide", save);
  };
}

/** Make the page as its reader prefers it, also when they chose so elsewhere. */
export function usePreferences(): void {
  const user = useUser();
  const language = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const own = useQuery({ ...preferencesQuery, enabled: Boolean(user) }).data?.own;
  useEffect(keepColumns, []);
  useEffect(() => {
    if (own === undefined) return;
    if (own.language !== undefined && own.language in LANGUAGES && own.language !== language) void setLanguage(own.language, true);
    if (own.theme !== undefined && ["auto", "light", "dark"].includes(own.theme) && own.theme !== colorScheme) setColorScheme(own.theme);
    if (isTimes(own.times) && own.times !== times()) setTimes(own.times);
    if (isDensity(own.density) && own.density !== density()) setDensity(own.density);
    for (const [id, columns] of Object.entries(own.tables ?? {})) {
      const { on, order } = readColumns(id);
      if (!changed.has(id) && isColumns(columns) && JSON.stringify(columns) !== JSON.stringify({ on, order })) setColumns(id, columns);
    }
    if (typeof own.letters === "boolean" && own.letters !== areLettersOn()) setLetters(own.letters);
    // Only when they are learnt: what is chosen here is shown at once, and kept a moment later.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [own]);
}

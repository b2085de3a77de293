// A log that is asked for, again and again while its work goes on.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { Log } from "./Log.tsx";
import { ProblemBox } from "./ProblemBox.tsx";

const EVERY = 2000;

/** `read` gives the whole log; `grows`: the work has not ended. `label` names the region and the file. */
export function LiveLog({ label, queryKey, read, grows }: { label: string; queryKey: readonly unknown[]; read: (signal: AbortSignal) => Promise<string>; grows: boolean }) {
  const t = useTranslate();
  const query = useQuery({ queryKey: [...queryKey, "log"], queryFn: ({ signal }) => read(signal), refetchInterval: grows ? EVERY : false, staleTime: 0 });
  const was = useRef(grows);
  useEffect(() => {
    if (was.current && !grows) void query.refetch(); // the last lines came after the last look
    was.current = grows;
  }, [grows, query]);
  if (query.error && query.data === undefined) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return null;
  return query.data === "" ? <p className="muted">{t("work.noLog")}</p> : <Log text={query.data} name={label} running={grows} />;
}

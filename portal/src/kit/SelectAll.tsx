// The second step after the rows of a page: all that match the filter are chosen, asked of the server page by page.
import { Button } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import type { ListState } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { number } from "./format.ts";
import { ProblemBox } from "./ProblemBox.tsx";
import { Progress } from "./Progress.tsx";

const AT_ONCE = 100; // the most that a page may have
/** As many as the server says in advance what deleting them does. */
const MOST = 1_000;

export default function Every<T>({ total, list, pageOf, onDone }: { total: number; list: ListState; pageOf: (list: ListState) => Promise<{ data: T[] }>; onDone: (rows: T[]) => void }) {
  const t = useTranslate();
  const language = useLanguage();
  const [read, setRead] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const stops = useRef(false);
  useEffect(() => {
    stops.current = false;
    return () => { stops.current = true; };
  }, []);
  const say = (count: number) => number(count, language);
  const wanted = Math.min(total, MOST);
  const choose = async () => {
    stops.current = false;
    setError(null);
    setRead(0);
    const found: T[] = [];
    try {
      for (let page = 1; found.length < wanted; page += 1) {
        const { data } = await pageOf({ ...list, page, size: AT_ONCE });
        if (stops.current) return;
        found.push(...data);
        setRead(found.length);
        if (data.length < AT_ONCE) break; // some have gone meanwhile
      }
      onDone(found.slice(0, MOST));
    } catch (failed) {
      if (!stops.current) setError(failed);
    }
    setRead(null);
  };
  const stop = () => {
    stops.current = true;
    setRead(null);
  };
  if (error !== null) return <ProblemBox error={error} onRetry={() => void choose()} />;
  if (read === null) return <Button size="xs" variant="subtle" onClick={() => void choose()}>{total > MOST ? t("kit.table.first", { n: say(MOST), total: say(total) }) : t("kit.table.every", { total: say(total) })}</Button>;
  return (
    <>
      <Progress part={read / wanted} label={t("kit.table.every", { total: say(wanted) })} text={t("kit.table.reading", { done: say(read), total: say(wanted) })} />
      <Button size="xs" variant="subtle" onClick={stop}>{t("work.stop")}</Button>
    </>
  );
}

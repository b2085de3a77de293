// The button in the bar: how much works now; it opens what that is.
import { Button } from "@mantine/core";
import { IconLoader2, IconStack2 } from "@tabler/icons-react";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Suspense, useState, useSyncExternalStore } from "react";
import { call } from "../api/client.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { followed, hear } from "./followedRuns.ts";
import { number } from "../kit/format.ts";
import { lazyPart } from "../kit/lazyPart.ts";
import classes from "./jobs.module.css";

const Finish = lazyPart(async () => ({ default: (await import("./Finish.tsx")).Finish }));
const RunningDrawer = lazyPart(() => import("./RunningDrawer.tsx"));
const LOOKED = 15_000;

const countQuery = queryOptions({
  queryKey: ["jobs", "count"],
  refetchInterval: LOOKED,
  queryFn: async ({ signal }) => (await call("GET /jobservice/executions", { query: { q: "status=Running", page_size: 1 }, signal, quiet: true })).total ?? 0,
});

/** For administrators, who may see all work. */
export default function RunningWork() {
  const t = useTranslate();
  const language = useLanguage();
  const count = useQuery(countQuery).data ?? 0;
  const [open, setOpen] = useState(false);
  const follows = useSyncExternalStore(hear, followed).size > 0;
  const [followsAny, setFollowsAny] = useState(follows);
  if (follows && !followsAny) setFollowsAny(true); // and it stays: what it said is read after the last has ended
  return (
    <>
      <Button variant="subtle" color="gray" size="xs" className={classes["running"] ?? ""} aria-label={t("jobs.now.button", { count })} aria-haspopup="dialog" onClick={() => setOpen(true)} data-busy={count > 0 || undefined}>
        {count > 0 ? <IconLoader2 size={18} stroke={1.5} aria-hidden /> : <IconStack2 size={18} stroke={1.5} aria-hidden />}{count > 0 && <span className="figures">{number(count, language)}</span>}
      </Button>
      <Suspense>{followsAny && <Finish />}</Suspense>
      <Suspense>{open && <RunningDrawer onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}

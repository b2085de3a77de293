// Collect now, and when it runs by itself.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { CheckField } from "../kit/Field.tsx";
import { bytes } from "../kit/format.ts";
import { ScheduleField, plannedOf, scheduleOf, type Planned } from "../kit/Schedule.tsx";
import { factsOf, followed, gcChanged, reclaimableQuery, scheduleQuery } from "./queries.ts";

export function CollectDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslate();
  const language = useLanguage();
  const found = useQuery(reclaimableQuery).data;
  const [untagged, setUntagged] = useState(false);
  const start = useMutation({
    mutationFn: () => call("POST /system/gc/schedule", { body: { schedule: { type: "Manual" }, parameters: { delete_untagged: untagged } } }),
    onSuccess: async (reply) => { await followed(reply); onClose(); },
  });
  return (
    <Dialog title={t("gc.now.title")} opened onClose={onClose}>
      <DialogForm submit={t("gc.now.submit")} onSubmit={() => start.mutate()} onCancel={onClose} busy={start.isPending} error={start.error} danger>
        <p>{found ? t("gc.now.what", { count: found.blobs, bytes: bytes(found.bytes, language) }) : t("gc.now.unknown")}</p>
        <CheckField label={t("gc.untagged.label")} description={t("gc.untagged.hint")} checked={untagged} onChange={(event) => setUntagged(event.currentTarget.checked)} />
        <p className="muted">{t("gc.now.undone")} {t("gc.goesOn")}</p>
      </DialogForm>
    </Dialog>
  );
}

export function ScheduleDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslate();
  const now = useQuery(scheduleQuery).data;
  const was = { planned: plannedOf(now?.schedule?.type, now?.schedule?.cron), untagged: Boolean(now && factsOf(now).delete_untagged) };
  const [planned, setPlanned] = useState<Planned>(was.planned);
  const [untagged, setUntagged] = useState(was.untagged);
  const save = useMutation({
    mutationFn: () => call("PUT /system/gc/schedule", { body: { schedule: scheduleOf(planned), parameters: { delete_untagged: untagged } } }),
    onSuccess: async () => { await gcChanged(); onClose(); },
  });
  const dirty = planned.kind !== was.planned.kind || planned.cron !== was.planned.cron || untagged !== was.untagged;
  return (
    <Dialog title={t("gc.schedule.title")} opened onClose={onClose} dirty={dirty && !save.isPending}>
      <DialogForm submit={t("gc.schedule.save")} onSubmit={() => save.mutate()} onCancel={onClose} busy={save.isPending} error={save.error}>
        <ScheduleField label={t("gc.schedule.when")} value={planned} onChange={setPlanned} />
        <CheckField label={t("gc.untagged.label")} description={t("gc.untagged.hint")} checked={untagged} disabled={planned.kind === "None"} onChange={(event) => setUntagged(event.currentTarget.checked)} />
      </DialogForm>
    </Dialog>
  );
}

// What the forms of all robots have: a name, a description, how long it lasts; and how one is saved.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Robot, RobotPermission } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { KeptNote, useKept, type Kept } from "../kit/Draft.tsx";
import { SelectField, TextField } from "../kit/Field.tsx";
import type { Made } from "./RobotList.tsx";

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const DAYS = ["30", "90", "365", "-1"];

/** What the fields show and change. */
interface Fields {
  robot: Robot | null;
  name: string;
  about: string;
  days: string;
  kept: Kept;
  wrong: string | null;
  setWrong: (wrong: string | null) => void;
  change: (part: { name?: string; about?: string; days?: string }) => void;
}

/** The state of a form; `permissions` is asked when it is sent. */
export function useRobot<T>({ robot, level, place, more, permissions, changed, onClose, onCreated }: {
  robot: Robot | null;
  level: "project" | "system";
  /** The project, or "" of the system. */
  place: string;
  /** What the form has beside these, as it begins. */
  more: T;
  permissions: (more: T) => RobotPermission[];
  changed: () => Promise<unknown>;
  onClose: () => void;
  onCreated: (made: Made) => void;
}) {
  const t = useTranslate();
  const first = { name: "", about: robot?.description ?? "", days: String(robot?.duration ?? 90), more };
  const [one, setOne, kept] = useKept(`robot/${place}/${robot?.id ?? "new"}`, first);
  const { name, about, days } = one;
  const [wrong, setWrong] = useState<string | null>(null);
  const save = useMutation({
    gcTime: 0,
    mutationFn: async (): Promise<Made | null> => {
      const body = { description: about, duration: Number(days), permissions: permissions(one.more) };
      if (robot !== null) {
        await call("PUT /robots/{robot_id}", { path: { robot_id: robot.id ?? 0 }, body: { ...robot, ...body } });
        return null;
      }
      const { data } = await call("POST /robots", { body: { name, level, ...body } });
      return { name: data.name ?? name, secret: data.secret ?? "" };
    },
    onSuccess: async (made) => {
      await changed();
      onClose();
      if (made) onCreated(made);
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 409) setWrong(t("robots.new.taken", { name }));
    },
  });
  const send = () => {
    if (robot === null && !NAME.test(name)) setWrong(t("robots.new.nameRule"));
    else save.mutate();
  };
  return {
    robot, name, about, days, more: one.more, kept, change: (part: Partial<typeof first>) => setOne({ ...one, ...part }), wrong, setWrong, send, busy: save.isPending, error: wrong === null ? save.error : null, dirty: JSON.stringify(one) !== JSON.stringify(first),
    title: robot === null ? t("robots.new.title") : t("robots.edit.title", { name: robot.name ?? "" }), submit: robot === null ? t("robots.new.submit") : t("robots.edit.submit"),
  };
}

export function RobotFields({ form }: { form: Fields }) {
  const t = useTranslate();
  const lasting = [...new Set([...DAYS, form.days])].map((one) => ({ value: one, label: one === "-1" ? t("robots.never") : t("robots.days", { count: Number(one) }) }));
  return (
    <>
      <KeptNote kept={form.kept} />
      {form.robot === null && <TextField label={t("robots.column.name")} description={t("robots.new.nameRule")} value={form.name} error={form.wrong} data-autofocus onChange={(event) => { form.change({ name: event.currentTarget.value }); form.setWrong(null); }} />}
      <TextField label={t("robots.column.about")} optional value={form.about} onChange={(event) => form.change({ about: event.currentTarget.value })} />
      <SelectField label={t("robots.column.expires")} data={lasting} value={form.days} onChange={(value) => form.change({ days: String(value) })} />
    </>
  );
}

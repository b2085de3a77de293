// Make a robot of a project, or change what it may.
import { useQuery } from "@tanstack/react-query";
import type { Robot } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { RightsField } from "./Rights.tsx";
import { RobotFields, useRobot } from "./RobotFields.tsx";
import type { Made } from "./RobotList.tsx";
import { grantableQuery, robotsChanged } from "./queries.ts";
import { BUNDLES, accessOf, rightsOf } from "./rights.ts";

export function RobotForm({ project, robot, onClose, onCreated }: { project: string; robot: Robot | null; onClose: () => void; onCreated: (made: Made) => void }) {
  const t = useTranslate();
  const grantable = useQuery(grantableQuery).data?.project ?? [];
  const form = useRobot({ robot, level: "project", place: project, more: robot === null ? [...BUNDLES.pull] : rightsOf(robot.permissions?.[0]?.access), permissions: (rights) => [{ kind: "project", namespace: project, access: accessOf(rights) }], changed: () => robotsChanged(project), onClose, onCreated });
  return (
    <Dialog title={form.title} opened onClose={onClose} dirty={form.dirty} size={600}>
      <DialogForm submit={form.submit} onSubmit={form.send} onCancel={onClose} busy={form.busy} error={form.error}>
        <RobotFields form={form} />
        <RightsField label={t("robots.column.rights")} grantable={grantable} value={form.more} onChange={(more) => form.change({ more })} />
      </DialogForm>
    </Dialog>
  );
}

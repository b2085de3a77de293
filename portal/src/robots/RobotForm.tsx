// Make a robot of a project, or change what it may.
import { Checkbox, Radio } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Robot } from "../api/schema.ts";
import { useWords } from "../app/words.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { SelectField, TextField } from "../kit/Field.tsx";
import { grantableQuery, robotsChanged } from "./queries.ts";
import { BUNDLES, accessOf, bundleOf, byResource, rightsOf, type Bundle } from "./rights.ts";
import classes from "./robots.module.css";

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const DAYS = ["30", "90", "365", "-1"];

export function RobotForm({ project, robot, onClose, onCreated }: { project: string; robot: Robot | null; onClose: () => void; onCreated: (made: { name: string; secret: string }) => void }) {
  const t = useWords();
  const before = rightsOf(robot?.permissions?.[0]?.access);
  const [name, setName] = useState("");
  const [about, setAbout] = useState(robot?.description ?? "");
  const [days, setDays] = useState(String(robot?.duration ?? 90));
  const [bundle, setBundle] = useState<Bundle | "custom">(robot === null ? "pull" : (bundleOf(before) ?? "custom"));
  const [custom, setCustom] = useState<ReadonlySet<string>>(new Set(robot === null ? BUNDLES.pull : before));
  const [wrong, setWrong] = useState<string | null>(null);
  const grantable = useQuery(grantableQuery).data ?? [];
  const rights = bundle === "custom" ? [...custom] : [...BUNDLES[bundle]];
  const permissions = [{ kind: "project", namespace: project, access: accessOf(rights) }];
  const save = useMutation({
    mutationFn: async () => {
      if (robot !== null) {
        await call("PUT /robots/{robot_id}", { path: { robot_id: robot.id ?? 0 }, body: { ...robot, description: about, duration: Number(days), permissions } });
        return null;
      }
      const { data } = await call("POST /robots", { body: { name, description: about, duration: Number(days), level: "project", permissions } });
      return { name: data.name, secret: data.secret };
    },
    onSuccess: async (made) => {
      await robotsChanged(project);
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
  const lasting = [...new Set([...DAYS, days])].map((one) => ({ value: one, label: one === "-1" ? t("robots.never") : t("robots.days", { count: Number(one) }) }));
  return (
    <Dialog title={robot === null ? t("robots.new.title") : t("robots.edit.title", { name: robot.name ?? "" })} opened onClose={onClose} dirty={name !== "" || about !== (robot?.description ?? "")} size={600}>
      <DialogForm submit={robot === null ? t("robots.new.submit") : t("robots.edit.submit")} onSubmit={send} onCancel={onClose} busy={save.isPending} error={wrong === null ? save.error : null}>
        {robot === null && <TextField label={t("robots.column.name")} description={t("robots.new.nameRule")} value={name} error={wrong} data-autofocus onChange={(event) => { setName(event.currentTarget.value); setWrong(null); }} />}
        <TextField label={t("robots.column.about")} optional value={about} onChange={(event) => setAbout(event.currentTarget.value)} />
        <SelectField label={t("robots.column.expires")} data={lasting} value={days} onChange={(value) => setDays(String(value))} />
        <Radio.Group label={t("robots.column.rights")} value={bundle} onChange={(value) => setBundle(value as Bundle | "custom")}>
          <div className="stack">
            {(Object.keys(BUNDLES) as Bundle[]).map((one) => <Radio key={one} value={one} label={t(`robots.bundle.${one}`)} />)}
            <Radio value="custom" label={t("robots.bundle.custom")} />
          </div>
        </Radio.Group>
        {bundle === "custom" && (
          <div className={classes["rights"]} role="group" aria-label={t("robots.bundle.custom")}>
            {byResource(grantable).map(([resource, actions]) => (
              <div key={resource} className={classes["line"]}>
                <code translate="no">{resource}</code>
                <div className="row">
                  {actions.map((action) => {
                    const right = `${resource}:${action}`;
                    return <Checkbox key={right} label={action} aria-label={right} checked={custom.has(right)} onChange={() => setCustom(custom.has(right) ? new Set([...custom].filter((one) => one !== right)) : new Set([...custom, right]))} />;
                  })}
                </div>
              </div>
            ))}
          </div>
        )}
      </DialogForm>
    </Dialog>
  );
}

// Make a robot of the system, or change it: what it may in which projects, and in the system itself.
import { Button, MultiSelect, Radio } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Robot } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { EachRight, RightsField } from "./Rights.tsx";
import { RobotFields, useRobot } from "./RobotFields.tsx";
import type { Made } from "./RobotList.tsx";
import { grantableQuery, systemRobotsChanged } from "./queries.ts";
import { BUNDLES, grantsOf, permissionsOf, type Grant } from "./rights.ts";
import classes from "./robots.module.css";

const FIRST: Grant = { projects: "all", rights: [...BUNDLES.pull] };

export function SystemRobotForm({ robot, onClose, onCreated }: { robot: Robot | null; onClose: () => void; onCreated: (made: Made) => void }) {
  const t = useTranslate();
  const [start] = useState(() => (robot === null ? { system: [], grants: [FIRST] } : grantsOf(robot.permissions)));
  const [wrong, setWrong] = useState<string | null>(null);
  const grantable = useQuery(grantableQuery).data;
  const form = useRobot({ robot, level: "system", place: "", more: start, permissions: (more) => permissionsOf(more.system, more.grants), changed: systemRobotsChanged, onClose, onCreated });
  const { system, grants } = form.more;
  const setGrants = (next: Grant[]) => form.change({ more: { system, grants: next } });
  const change = (index: number, part: Partial<Grant>) => {
    setWrong(null);
    setGrants(grants.map((one, at) => (at === index ? { ...one, ...part } : one)));
  };
  const send = () => {
    if (grants.some((one) => one.projects !== "all" && one.projects.length === 0)) setWrong(t("robots.system.projectsMissing"));
    else if (permissionsOf(system, grants).length === 0) setWrong(t("robots.system.rightsMissing"));
    else form.send();
  };
  return (
    <Dialog title={form.title} opened onClose={onClose} dirty={form.dirty} size={640}>
      <DialogForm submit={form.submit} onSubmit={send} onCancel={onClose} busy={form.busy} error={form.error}>
        <RobotFields form={form} />
        {grants.map((one, index) => (
          <fieldset key={index} className={`panel stack ${classes["grant"]}`}>
            <legend className="hidden">{t("robots.system.grant", { n: index + 1 })}</legend>
            <Radio.Group label={t("robots.column.projects")} value={one.projects === "all" ? "all" : "some"} onChange={(value) => change(index, { projects: value === "all" ? "all" : [] })}>
              <div className="row">
                <Radio value="all" label={t("robots.system.all")} disabled={grants.length > 1 && one.projects !== "all"} />
                <Radio value="some" label={t("robots.system.some")} />
              </div>
            </Radio.Group>
            {one.projects !== "all" && <Projects value={one.projects} onChange={(projects) => change(index, { projects })} />}
            <RightsField label={t("robots.system.mayThere")} grantable={grantable?.project ?? []} value={one.rights} onChange={(rights) => change(index, { rights })} />
            <div><Button size="xs" variant="subtle" color="gray" onClick={() => setGrants(grants.filter((_, at) => at !== index))}>{t("robots.system.removeGrant")}</Button></div>
          </fieldset>
        ))}
        {!grants.some((one) => one.projects === "all") && <div><Button size="xs" variant="default" onClick={() => setGrants([...grants, { projects: grants.length ? [] : "all", rights: [...BUNDLES.pull] }])}>{grants.length ? t("robots.system.addGrant") : t("robots.system.firstGrant")}</Button></div>}
        <details open={start.system.length > 0}>
          <summary>{t("robots.system.inSystem", { count: system.length })}</summary>
          <div className={classes["inside"]}><EachRight label={t("robots.system.inSystem", { count: system.length })} grantable={grantable?.system ?? []} value={system} onChange={(rights) => { setWrong(null); form.change({ more: { system: rights, grants } }); }} /></div>
        </details>
        {wrong && <p className="wrong" role="alert">{wrong}</p>}
      </DialogForm>
    </Dialog>
  );
}

/** Projects, found by their names. */
function Projects({ value, onChange }: { value: string[]; onChange: (projects: string[]) => void }) {
  const t = useTranslate();
  const [text, setText] = useState("");
  const found = useQuery({
    queryKey: ["projects", "names", text],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await call("GET /projects", { query: { ...(text ? { q: `name=~${text.replace(/,/g, "")}` } : {}), sort: "name", page_size: 20 }, signal })).data.map((one) => one.name),
  }).data ?? [];
  return (
    <MultiSelect
      label={t("robots.system.which")} value={value} data={[...new Set([...value, ...found])]} onChange={onChange} searchable searchValue={text} onSearchChange={setText} filter={({ options }) => options} nothingFoundMessage={t("robots.system.none")} hidePickedOptions spellCheck={false} comboboxProps={{ withinPortal: false }}
      {...(value.length === 0 ? { placeholder: t("robots.system.find") } : {})}
    />
  );
}

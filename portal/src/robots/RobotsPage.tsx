// Which machines have access, and when does it end?
import { Button, Menu } from "@mantine/core";
import { IconAlertTriangle, IconPlayerStop } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Robot } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useWords } from "../app/words.ts";
import { Chip } from "../kit/Chip.tsx";
import { Confirm } from "../kit/Confirm.tsx";
import { Empty } from "../kit/Empty.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { SecretOnce } from "../kit/SecretOnce.tsx";
import { Name, Time } from "../kit/show.tsx";
import { Table, type Column } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { projectQuery } from "../projects/queries.ts";
import { RobotForm } from "./RobotForm.tsx";
import { robotsChanged, robotsQuery } from "./queries.ts";
import { bundleOf, byResource, rightsOf } from "./rights.ts";

const SOON_SECONDS = 14 * 86_400;

export default function RobotsPage() {
  const t = useWords();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const id = useQuery(projectQuery(project)).data?.project_id;
  const list = useListState({ sort: "name" });
  const query = useQuery(robotsQuery(project, id, list));
  const [form, setForm] = useState<Robot | "new" | null>(null);
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [going, setGoing] = useState<Robot | null>(null);
  const changed = () => robotsChanged(project);
  const rotate = useMutation({
    mutationFn: async (robot: Robot) => ({ name: robot.name ?? "", secret: (await call("PATCH /robots/{robot_id}", { path: { robot_id: robot.id ?? 0 }, body: { secret: "", overlap_seconds: 86_400 } })).data.secret ?? "" }),
    onSuccess: setSecret,
    onSettled: changed,
  });
  const toggle = useMutation({ mutationFn: (robot: Robot) => call("PUT /robots/{robot_id}", { path: { robot_id: robot.id ?? 0 }, body: { ...robot, disable: !robot.disable } }), onSettled: changed });
  const remove = useMutation({
    mutationFn: (robot: Robot) => call("DELETE /robots/{robot_id}", { path: { robot_id: robot.id ?? 0 } }),
    onSuccess: (_, robot) => {
      setGoing(null);
      toast(t("robots.delete.done", { name: robot.name ?? "" }));
    },
    onSettled: changed,
  });
  const columns: Column<Robot>[] = [
    { id: "name", head: t("robots.column.name"), sort: "name", cell: (one) => <span className="row"><Name>{one.name ?? ""}</Name>{one.disable && <Chip icon={IconPlayerStop}>{t("robots.disabled")}</Chip>}</span> },
    { id: "rights", head: t("robots.column.rights"), cell: (one) => <Rights robot={one} /> },
    { id: "expires", head: t("robots.column.expires"), width: "fit", sort: "expires_at", phone: 1, cell: (one) => <Expires at={one.expires_at ?? -1} /> },
    { id: "created", head: t("robots.column.created"), width: "fit", sort: "creation_time", descends: true, cell: (one) => <Time value={one.creation_time} /> },
    { id: "about", head: t("robots.column.about"), optional: true, cell: (one) => <bdi>{one.description}</bdi> },
  ];
  const failed = rotate.error ?? toggle.error;
  return (
    <div className="stack">
      {failed && <ProblemBox error={failed} />}
      <Table
        id="robots" caption={t("robots.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.name ?? ""} filterLabel={t("robots.filter")}
        tools={may("robot:create") ? <Button size="xs" onClick={() => setForm("new")}>{t("robots.new.open")}</Button> : undefined}
        {...(may("robot:create") ? {
          menu: (one: Robot) => (
            <>
              <Menu.Item onClick={() => setForm(one)}>{t("robots.edit.open")}</Menu.Item>
              <Menu.Item onClick={() => rotate.mutate(one)}>{t("robots.rotate")}</Menu.Item>
              <Menu.Item onClick={() => toggle.mutate(one)}>{one.disable ? t("robots.enable") : t("robots.disable")}</Menu.Item>
              <Menu.Divider />
              <Menu.Item className="danger" onClick={() => setGoing(one)}>{t("robots.delete.open")}</Menu.Item>
            </>
          ),
        } : {})}
        details={(one) => <ul>{byResource(rightsOf(one.permissions?.[0]?.access)).map(([resource, actions]) => <li key={resource}><code translate="no">{resource}</code>: {actions.join(", ")}</li>)}</ul>}
        empty={<Empty>{t("robots.empty")}</Empty>}
      />
      {form !== null && id !== undefined && <RobotForm project={project} robot={form === "new" ? null : form} onClose={() => setForm(null)} onCreated={setSecret} />}
      {secret && <SecretOnce title={t("robots.secret", { name: secret.name })} name={secret.name} secret={secret.secret} onClose={() => setSecret(null)} />}
      {going && <Confirm title={t("robots.delete.title", { name: going.name ?? "" })} submit={t("robots.delete.submit")} name={going.name ?? ""} busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(going)} onClose={() => setGoing(null)}><p>{t("robots.delete.why")}</p></Confirm>}
    </div>
  );
}

function Rights({ robot }: { robot: Robot }) {
  const t = useWords();
  const rights = rightsOf(robot.permissions?.[0]?.access);
  const bundle = bundleOf(rights);
  return <>{bundle === null ? t("robots.rights.custom", { count: rights.length }) : t(`robots.bundle.${bundle}`)}</>;
}

/** `at`: Unix seconds; -1: never. */
function Expires({ at }: { at: number }) {
  const t = useWords();
  if (at < 0) return <span className="muted">{t("robots.never")}</span>;
  const left = at - Date.now() / 1000;
  const time = <Time value={new Date(at * 1000).toISOString()} />;
  if (left < 0) return <Chip tone="danger" icon={IconAlertTriangle}>{t("robots.expired")}</Chip>;
  return left < SOON_SECONDS ? <span className="row"><IconAlertTriangle size={14} stroke={1.5} role="img" aria-label={t("robots.soon")} />{time}</span> : time;
}

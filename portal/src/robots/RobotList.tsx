// Robots as a table, and what can be done with one: of a project or of the system.
import { Button, Menu } from "@mantine/core";
import { IconAlertTriangle, IconPlayerStop } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { call } from "../api/client.ts";
import type { Robot } from "../api/schema.ts";
import type { ListState } from "../app/search.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Confirm } from "../kit/Confirm.tsx";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { Empty } from "../kit/Empty.tsx";
import { SelectField } from "../kit/Field.tsx";
import { useReopen } from "../kit/formStorage.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { SecretOnce } from "../kit/SecretOnce.tsx";
import { Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table, type Listed } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";

const SOON_SECONDS = 14 * 86_400;
/** How long an old secret may go on, in seconds. */
const OVERLAPS = ["0", "3600", "86400", "604800"] as const;

export interface Made {
  name: string;
  secret: string;
}

/** `rights`: what a robot may do, in a cell; `details`: all of it, below its row; `form`: to make one (null) or change one. */
export function RobotList({ id, place, empty, query, list, writes, changed, columns, details, form, frame }: {
  id: string;
  /** The project, or "" for those of the system: where a form keeps what was typed. */
  place: string;
  empty: string;
  query: Listed<Robot>;
  list: ListState;
  writes: boolean;
  changed: () => unknown;
  /** Between the name and the end. */
  columns: Column<Robot>[];
  details: (robot: Robot) => ReactNode;
  form: (robot: Robot | null, onClose: () => void, onCreated: (made: Made) => void) => ReactNode;
  /** A page that has the button for a new one in its head; without it the button stands above the list. */
  frame?: (open: ReactNode, body: ReactNode) => ReactNode;
}) {
  const t = useTranslate();
  const [edited, setEdited] = useState<Robot | "new" | null>(null);
  useReopen(`robot/${place}`, (which) => {
    const found = which === "new" ? which : query.data?.data.find((one) => String(one.id) === which);
    if (found) setEdited(found);
    return found !== undefined || query.data !== undefined;
  });
  const [secret, setSecret] = useState<Made | null>(null);
  const [turned, setTurned] = useState<Robot | null>(null);
  const [going, setGoing] = useState<Robot | null>(null);
  const toggle = useMutation({ mutationFn: (robot: Robot) => call("PUT /robots/{robot_id}", { path: { robot_id: robot.id ?? 0 }, body: { ...robot, disable: !robot.disable } }), onSettled: changed });
  const remove = useMutation({
    mutationFn: (robot: Robot) => call("DELETE /robots/{robot_id}", { path: { robot_id: robot.id ?? 0 } }),
    onSuccess: (_, robot) => {
      setGoing(null);
      toast(t("robots.delete.done", { name: robot.name ?? "" }));
    },
    onSettled: changed,
  });
  const all: Column<Robot>[] = [
    { id: "name", head: t("robots.column.name"), sort: "name", cell: (one) => <span className="row"><Name>{one.name ?? ""}</Name>{one.disable && <Chip icon={IconPlayerStop}>{t("robots.disabled")}</Chip>}</span> },
    ...columns,
    { id: "used", head: t("robots.column.used"), width: "fit", sort: "last_used", descends: true, cell: (one) => <Time value={one.last_used} /> },
    { id: "secret", head: t("robots.column.secret"), width: "fit", sort: "secret_time", descends: true, phone: 0, cell: (one) => <Time value={one.secret_time} /> },
    { id: "expires", head: t("robots.column.expires"), width: "fit", sort: "expires_at", phone: 1, cell: (one) => <Expires at={one.expires_at ?? -1} /> },
    { id: "created", head: t("robots.column.created"), width: "fit", sort: "creation_time", descends: true, optional: true, cell: (one) => <Time value={one.creation_time} /> },
    { id: "about", head: t("robots.column.about"), optional: true, cell: (one) => <bdi>{one.description}</bdi> },
  ];
  const open = writes ? <Button {...(frame ? {} : { size: "xs" })} onClick={() => setEdited("new")}>{t("robots.new.open")}</Button> : undefined;
  const body = (
    <div className="stack">
      {toggle.error && <ProblemBox error={toggle.error} />}
      <Table
        id={id} caption={t("robots.title")} columns={all} query={query} list={list} rowKey={(one) => one.id ?? 0} rowName={(one) => one.name ?? ""} filterLabel={t("robots.filter")}
        tools={frame ? undefined : open}
        {...(writes ? {
          menu: (one: Robot) => (
            <>
              <Menu.Item onClick={() => setEdited(one)}>{t("robots.edit.open")}</Menu.Item>
              <Menu.Item onClick={() => setTurned(one)}>{t("robots.rotate.open")}</Menu.Item>
              <Menu.Item onClick={() => toggle.mutate(one)}>{one.disable ? t("robots.enable") : t("robots.disable")}</Menu.Item>
              <Menu.Divider />
              <Menu.Item className="danger" onClick={() => setGoing(one)}>{t("robots.delete.open")}</Menu.Item>
            </>
          ),
        } : {})}
        details={details} empty={<Empty>{empty}</Empty>}
      />
      {edited !== null && form(edited === "new" ? null : edited, () => setEdited(null), setSecret)}
      {turned && <NewSecret robot={turned} changed={changed} onClose={() => setTurned(null)} onMade={setSecret} />}
      {secret && <SecretOnce title={t("robots.secret", { name: secret.name })} name={secret.name} secret={secret.secret} onClose={() => setSecret(null)} />}
      {going && <Confirm title={t("robots.delete.title", { name: going.name ?? "" })} submit={t("robots.delete.submit")} name={going.name ?? ""} busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(going)} onClose={() => setGoing(null)}><p>{t("robots.delete.why")}</p></Confirm>}
    </div>
  );
  return frame ? frame(open, body) : body;
}

/** Another secret, and how long the old one goes on beside it. */
function NewSecret({ robot, changed, onClose, onMade }: { robot: Robot; changed: () => unknown; onClose: () => void; onMade: (made: Made) => void }) {
  const t = useTranslate();
  const [overlap, setOverlap] = useState("86400");
  const make = useMutation({
    mutationFn: async () => (await call("PATCH /robots/{robot_id}", { path: { robot_id: robot.id ?? 0 }, body: { secret: "", overlap_seconds: Number(overlap) } })).data.secret ?? "",
    gcTime: 0,
    onSuccess: (secret) => {
      onClose();
      onMade({ name: robot.name ?? "", secret });
    },
    onSettled: changed,
  });
  return (
    <Dialog title={t("robots.rotate.title", { name: robot.name ?? "" })} opened onClose={onClose}>
      <DialogForm submit={t("robots.rotate.submit")} onSubmit={() => make.mutate()} onCancel={onClose} busy={make.isPending} error={make.error}>
        <SelectField label={t("robots.rotate.overlap")} description={t("robots.rotate.hint")} value={overlap} data={OVERLAPS.map((one) => ({ value: one, label: t(`robots.rotate.for.${one}`) }))} onChange={(value) => setOverlap(String(value))} />
      </DialogForm>
    </Dialog>
  );
}

/** `at`: Unix seconds; -1: never. */
function Expires({ at }: { at: number }) {
  const t = useTranslate();
  if (at < 0) return <span className="muted">{t("robots.never")}</span>;
  const left = at - Date.now() / 1000;
  const time = <Time value={new Date(at * 1000).toISOString()} />;
  if (left < 0) return <Chip tone="danger" icon={IconAlertTriangle}>{t("robots.expired")}</Chip>;
  return left < SOON_SECONDS ? <span className="row"><IconAlertTriangle size={14} stroke={1.5} role="img" aria-label={t("robots.soon")} />{time}</span> : time;
}

// Who may do what here?
import { Button, Menu, Select } from "@mantine/core";
import { IconShield, IconUser, IconUsersGroup } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { ProjectMemberEntity } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useListState, type ListState } from "../app/search.ts";
import { queries, useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { tryEach } from "../kit/batch.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Refused, type RefusedOne } from "../kit/Refusals.tsx";
import { Name } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { IS_NAME, ROLES } from "../projects/queries.ts";
import { AddMember } from "./AddMember.tsx";
import { RANKED, membersChanged, membersQuery } from "./queries.ts";

export default function MembersPage() {
  const t = useTranslate();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const list = useListState();
  const query = useQuery(membersQuery(project, list));
  const [adds, setAdds] = useState(false);
  const path = { project_name_or_id: project };
  const change = useMutation({
    mutationFn: ({ member, role }: { member: ProjectMemberEntity; role: number }) => call("PUT /projects/{project_name_or_id}/members/{mid}", { path: { ...path, mid: member.id }, body: { role_id: role }, header: IS_NAME }),
    onSuccess: (_, { member }) => toast(t("members.changed", { name: member.entity_name })),
    onSettled: () => membersChanged(project),
  });
  const remove = useMutation({
    mutationFn: (member: ProjectMemberEntity) => call("DELETE /projects/{project_name_or_id}/members/{mid}", { path: { ...path, mid: member.id }, header: IS_NAME }),
    onSuccess: (_, member) => toast(t("members.removed", { name: member.entity_name }), { label: t("kit.undo"), run: () => add.mutate(member) }),
    onSettled: () => membersChanged(project),
  });
  const add = useMutation({
    mutationFn: (member: ProjectMemberEntity) =>
      call("POST /projects/{project_name_or_id}/members", { path, header: IS_NAME, body: { role_id: member.role_id, ...(member.entity_type === "g" ? { member_group: { id: member.entity_id } } : { member_user: { user_id: member.entity_id } }) } }),
    onSettled: () => membersChanged(project),
  });
  const [left, setLeft] = useState<RefusedOne[]>([]);
  /** One after the other; what is refused does not keep the others from it, and is told. */
  const each = useMutation({
    mutationFn: ({ these, act }: { these: ProjectMemberEntity[]; act: (one: ProjectMemberEntity) => Promise<unknown>; done: (those: ProjectMemberEntity[]) => void }) => tryEach(these, (one) => one.entity_name, act),
    onMutate: () => setLeft([]),
    onSuccess: ({ done: those, left: refused }, { done }) => {
      setLeft(refused);
      if (those.length > 0) done(those);
    },
    onSettled: () => membersChanged(project),
  });
  const addAll = (these: ProjectMemberEntity[]) => each.mutate({ these, act: (one) => add.mutateAsync(one), done: () => undefined });
  const removeAll = (these: ProjectMemberEntity[]) => each.mutate({
    these, act: (one) => call("DELETE /projects/{project_name_or_id}/members/{mid}", { path: { ...path, mid: one.id }, header: IS_NAME }),
    done: (those) => toast(t("members.many.removed", { count: those.length }), { label: t("kit.undo"), run: () => addAll(those) }),
  });
  const setAll = (these: ProjectMemberEntity[], role: number) => each.mutate({
    these: these.filter((one) => one.role_id !== role), act: (one) => call("PUT /projects/{project_name_or_id}/members/{mid}", { path: { ...path, mid: one.id }, body: { role_id: role }, header: IS_NAME }),
    done: (those) => toast(t("members.many.changed", { count: those.length }), { label: t("kit.undo"), run: () => setBack(those) }),
  });
  const setBack = (these: ProjectMemberEntity[]) => each.mutate({ these, act: (one) => call("PUT /projects/{project_name_or_id}/members/{mid}", { path: { ...path, mid: one.id }, body: { role_id: one.role_id }, header: IS_NAME }), done: () => undefined });
  const roles = RANKED.map((role) => ({ value: String(role), label: t(ROLES[role]) }));
  const columns: Column<ProjectMemberEntity>[] = [
    { id: "name", head: t("members.column.name"), cell: (one) => <Name>{one.entity_name}</Name> },
    { id: "kind", head: t("members.column.kind"), width: "fit", cell: (one) => <Chip icon={one.entity_type === "g" ? IconUsersGroup : IconUser}>{one.entity_type === "g" ? t("members.kind.group") : t("members.kind.user")}</Chip> },
    { id: "how", head: t("members.column.how"), cell: (one) => <How member={one} /> },
    {
      id: "role", head: t("members.column.role"), width: "fit", phone: 1,
      cell: (one) => (may("member:update") ? <Select size="xs" w={170} aria-label={t("members.roleOf", { name: one.entity_name })} allowDeselect={false} data={roles} value={String(one.role_id)} onChange={(role) => change.mutate({ member: one, role: Number(role) })} /> : t(ROLES[one.role_id as keyof typeof ROLES])),
    },
  ];
  const failed = change.error ?? remove.error ?? add.error;
  return (
    <div className="stack">
      {failed && <ProblemBox error={failed} />}
      {left.length > 0 && <Refused title={t("members.many.left", { count: left.length })} left={left} />}
      <Table
        id="members" caption={t("members.title")} columns={columns} query={query} list={list} rowKey={(one) => one.id} rowName={(one) => one.entity_name} filterLabel={t("members.filter")}
        tools={
          <>
            {may("member:create") && <Button size="xs" onClick={() => setAdds(true)}>{t("members.add.open")}</Button>}
            {may("member:update") && <Button size="xs" variant="default" component={Link} to={places.access(project)}>{t("explain.open")}</Button>}
          </>
        }
        {...(may("member:delete") ? { menu: (one: ProjectMemberEntity) => <Menu.Item className="danger" onClick={() => remove.mutate(one)}>{t("members.remove", { name: one.entity_name })}</Menu.Item> } : {})}
        {...(may("member:update") || may("member:delete") ? {
          pageOf: (at: ListState) => queries.fetchQuery(membersQuery(project, at)),
          bulk: (chosen: ProjectMemberEntity[]) => (
            <>
              {may("member:update") && <Select size="xs" w={170} aria-label={t("members.many.role")} placeholder={t("members.many.role")} data={roles} value={null} onChange={(role) => role !== null && setAll(chosen, Number(role))} />}
              {may("member:delete") && <Button size="xs" variant="default" loading={each.isPending} onClick={() => removeAll(chosen)}>{t("members.many.remove", { count: chosen.length })}</Button>}
            </>
          ),
        } : {})}
        empty={<Empty>{t("members.empty")}</Empty>}
      />
      {adds && <AddMember project={project} onClose={() => setAdds(false)} />}
    </div>
  );
}

/** How somebody has access: by their own role here, and by what else gives it to them. */
function How({ member }: { member: ProjectMemberEntity }) {
  const t = useTranslate();
  if (member.entity_type === "g") return <span className="muted">{t("members.how.group")}</span>;
  return (
    <span className="row">
      <span className="muted">{t("members.how.direct")}</span>
      {member.through?.map((one) => <Chip key={one.group_name} icon={IconUsersGroup}><bdi>{t("members.how.also", { role: t(ROLES[one.role_id as keyof typeof ROLES]), group: one.group_name })}</bdi></Chip>)}
      {member.is_admin && <Chip icon={IconShield}>{t("members.how.admin")}</Chip>}
    </span>
  );
}

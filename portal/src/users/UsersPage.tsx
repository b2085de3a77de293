// Who exists, and who is an administrator?
import { Button, Menu, Select } from "@mantine/core";
import { IconLock, IconShield } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { UserResp } from "../api/schema.ts";
import { useListState } from "../app/search.ts";
import { capabilitiesQuery, useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import type { Key } from "../i18n/translator.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { useReopen } from "../kit/formStorage.ts";
import { Page } from "../kit/Page.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name, Time } from "../kit/values.tsx";
import type { Column } from "../kit/columns.ts";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { AdminDialog, DeleteUser, LockUser, NewUser, PasswordDialog, ProfileDialog } from "./userDialogs.tsx";
import { ImportPeople } from "./ImportPeople.tsx";
import { setLock, usersChanged, usersQuery } from "./queries.ts";
import { UserTokens } from "./UserTokens.tsx";

const SOURCES: Record<string, Key> = { local: "users.source.local", ldap: "users.source.ldap", oidc: "users.source.oidc", header: "users.source.header" };

export default function UsersPage() {
  const t = useTranslate();
  const me = useUser();
  const list = useListState({ sort: "username" });
  const query = useQuery(usersQuery(list));
  const [asks, setAsks] = useState<{ what: "new" | "import" } | { what: "password" | "profile" | "admin" | "lock" | "tokens" | "delete"; user: UserResp } | null>(null);
  useReopen("user", () => { setAsks({ what: "new" }); return true; });
  const hasDirectory = useQuery(capabilitiesQuery).data?.sign_in.includes("ldap") ?? false;
  const demote = useMutation({ mutationFn: (user: UserResp) => call("PUT /users/{user_id}/sysadmin", { path: { user_id: user.user_id }, body: { sysadmin_flag: false } }), onSuccess: usersChanged });
  const unlock = useMutation({ mutationFn: (user: UserResp) => setLock(user, false), onSuccess: (_, user) => toast(t("users.lock.undone", { name: user.username })), onSettled: usersChanged });
  const source = (one: UserResp) => (SOURCES[one.source ?? ""] ? t(SOURCES[one.source ?? ""] as Key) : (one.source ?? ""));
  const columns: Column<UserResp>[] = [
    { id: "name", head: t("users.column.name"), sort: "username", cell: (one) => <span className="row"><Name>{one.username}</Name>{one.user_id === me?.user_id && <span className="muted">{t("users.you")}</span>}{one.disabled && <Chip tone="warn" icon={IconLock}>{t("users.disabled")}</Chip>}</span> },
    { id: "admin", head: t("users.column.admin"), width: "fit", sort: "sysadmin_flag", descends: true, phone: 1, cell: (one) => (one.sysadmin_flag || one.admin_role_in_auth ? <Chip tone="accent" icon={IconShield} {...(one.admin_role_in_auth ? { title: t("users.bySource") } : {})}>{t("users.admin")}</Chip> : <span className="muted">–</span>) },
    { id: "realname", head: t("users.column.realname"), sort: "realname", phone: 0, cell: (one) => <Name>{one.realname || "–"}</Name> },
    { id: "email", head: t("users.column.email"), sort: "email", cell: (one) => <Name>{one.email || "–"}</Name> },
    { id: "source", head: t("users.column.source"), width: "fit", sort: "source", cell: source },
    { id: "used", head: t("users.column.used"), width: "fit", sort: "last_used", descends: true, cell: (one) => <Time value={one.last_used} /> },
    { id: "created", head: t("users.column.created"), width: "fit", sort: "creation_time", descends: true, optional: true, cell: (one) => <Time value={one.creation_time} /> },
    { id: "comment", head: t("users.column.comment"), optional: true, cell: (one) => <Name>{one.comment ?? ""}</Name> },
  ];
  return (
    <Page title={t("users.title")} actions={<>{hasDirectory && <Button variant="default" onClick={() => setAsks({ what: "import" })}>{t("users.import.action")}</Button>}<Button onClick={() => setAsks({ what: "new" })}>{t("users.new.action")}</Button></>}>
      {(demote.error ?? unlock.error) && <ProblemBox error={demote.error ?? unlock.error} />}
      <Table
        id="users" caption={t("users.title")} columns={columns} query={query} list={list} rowKey={(one) => one.user_id} rowName={(one) => one.username} filterLabel={t("users.filter")}
        tools={
          <>
            <Select aria-label={t("users.column.admin")} w={190} allowDeselect={false} value={list.filters["admin"] ?? "all"} onChange={(value) => list.set({ filters: { admin: value === "all" ? undefined : (value ?? undefined) } })} data={[{ value: "all", label: t("users.everybody") }, { value: "true", label: t("users.admins") }]} />
            <Select aria-label={t("users.column.source")} w={190} allowDeselect={false} value={list.filters["source"] ?? "all"} onChange={(value) => list.set({ filters: { source: value === "all" ? undefined : (value ?? undefined) } })} data={[{ value: "all", label: t("users.anySource") }, ...Object.entries(SOURCES).map(([value, key]) => ({ value, label: t(key) }))]} />
          </>
        }
        menu={(one) => (
          <>
            {!one.admin_role_in_auth && one.user_id !== me?.user_id && <Menu.Item onClick={() => (one.sysadmin_flag ? demote.mutate(one) : setAsks({ what: "admin", user: one }))}>{one.sysadmin_flag ? t("users.demote") : t("users.promote")}</Menu.Item>}
            {one.source === "local" && <Menu.Item onClick={() => setAsks({ what: "profile", user: one })}>{t("users.profile.open")}</Menu.Item>}
            {one.source === "local" && <Menu.Item onClick={() => setAsks({ what: "password", user: one })}>{t("users.password.open")}</Menu.Item>}
            {one.user_id !== me?.user_id && <Menu.Item onClick={() => setAsks({ what: "tokens", user: one })}>{t("users.tokens.open")}</Menu.Item>}
            {one.user_id !== me?.user_id && <Menu.Item onClick={() => (one.disabled ? unlock.mutate(one) : setAsks({ what: "lock", user: one }))}>{one.disabled ? t("users.lock.unlock") : t("users.lock.open")}</Menu.Item>}
            {one.user_id !== me?.user_id && <><Menu.Divider /><Menu.Item className="danger" onClick={() => setAsks({ what: "delete", user: one })}>{t("users.delete.open")}</Menu.Item></>}
          </>
        )}
        empty={<Empty action={<Button onClick={() => setAsks({ what: "new" })}>{t("users.new.action")}</Button>}>{t("users.empty")}</Empty>}
      />
      {asks?.what === "new" && <NewUser onClose={() => setAsks(null)} />}
      {asks?.what === "import" && <ImportPeople onClose={() => setAsks(null)} />}
      {asks?.what === "tokens" && <UserTokens user={asks.user} onClose={() => setAsks(null)} />}
      {asks?.what === "password" && <PasswordDialog user={asks.user} onClose={() => setAsks(null)} />}
      {asks?.what === "profile" && <ProfileDialog user={asks.user} onClose={() => setAsks(null)} />}
      {asks?.what === "admin" && <AdminDialog user={asks.user} onClose={() => setAsks(null)} />}
      {asks?.what === "lock" && <LockUser user={asks.user} onClose={() => setAsks(null)} />}
      {asks?.what === "delete" && <DeleteUser user={asks.user} onClose={() => setAsks(null)} />}
    </Page>
  );
}

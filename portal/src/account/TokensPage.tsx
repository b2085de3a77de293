// Which programs have access as me, how far, and until when?
import { Button, Menu } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { AccessToken } from "../api/schema.ts";
import { WHOLE } from "../app/search.ts";
import { useUser } from "../app/session.tsx";
import { useWords, type Key } from "../app/words.ts";
import { Chip } from "../kit/Chip.tsx";
import { Confirm } from "../kit/Confirm.tsx";
import { Empty } from "../kit/Empty.tsx";
import { timeOf } from "../kit/format.ts";
import { Page } from "../kit/Page.tsx";
import { SecretOnce } from "../kit/SecretOnce.tsx";
import { Name, Time } from "../kit/show.tsx";
import { Table, type Column } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { TokenForm } from "./TokenForm.tsx";
import { tokensChanged, tokensQuery } from "./queries.ts";

const SOON_MS = 14 * 86_400_000;
export const SCOPES: Record<string, Key> = { pull: "account.scope.pull", push: "account.scope.push", delete: "account.scope.delete", "api:read": "account.scope.apiRead", "api:write": "account.scope.apiWrite" };

export default function TokensPage() {
  const t = useWords();
  const user = useUser();
  const query = useQuery(tokensQuery);
  const [makes, setMakes] = useState(false);
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [going, setGoing] = useState<AccessToken | null>(null);
  const revoke = useMutation({
    mutationFn: (one: AccessToken) => call("DELETE /users/current/tokens/{token_id}", { path: { token_id: one.id } }),
    onSuccess: (_, one) => {
      setGoing(null);
      toast(t("account.tokens.revoke.done", { name: one.name }));
    },
    onSettled: tokensChanged,
  });
  const columns: Column<AccessToken>[] = [
    { id: "name", head: t("account.tokens.column.name"), cell: (one) => <Name>{one.name}</Name> },
    { id: "scopes", head: t("account.tokens.column.scopes"), cell: (one) => <span className="row">{one.scopes.map((scope) => <Chip key={scope}>{t(SCOPES[scope] ?? "account.scope.pull")}</Chip>)}</span> },
    { id: "projects", head: t("account.tokens.column.projects"), cell: (one) => (one.projects === null ? t("account.tokens.allProjects") : <span className="row">{one.projects.map((name) => <Name key={name}>{name}</Name>)}</span>) },
    { id: "expires", head: t("account.tokens.column.expires"), width: "fit", cell: (one) => <Expires at={one.expires_at} /> },
    { id: "used", head: t("account.tokens.column.used"), width: "fit", cell: (one) => <Time value={one.last_used} /> },
    { id: "created", head: t("account.tokens.column.created"), width: "fit", phone: 0, cell: (one) => <Time value={one.creation_time} /> },
  ];
  const rows = query.data && { data: query.data, total: query.data.length };
  const make = <Button onClick={() => setMakes(true)}>{t("account.tokens.new.open")}</Button>;
  return (
    <Page title={t("account.tokens.title")} actions={rows?.total ? make : undefined} under={<p className="muted">{t("account.tokens.said")}</p>}>
      <Table
        id="tokens" caption={t("account.tokens.title")} columns={columns} query={{ ...query, data: rows }} list={WHOLE} whole rowKey={(one) => one.id} rowName={(one) => one.name}
        menu={(one) => <Menu.Item className="danger" onClick={() => setGoing(one)}>{t("account.tokens.revoke.open")}</Menu.Item>}
        empty={<Empty action={make}>{t("account.tokens.empty")}</Empty>}
      />
      {makes && <TokenForm onClose={() => setMakes(false)} onCreated={setSecret} />}
      {secret && <SecretOnce title={t("account.tokens.secret", { name: secret.name })} name={user?.username ?? ""} secret={secret.secret} onClose={() => setSecret(null)} />}
      {going && <Confirm title={t("account.tokens.revoke.title", { name: going.name })} submit={t("account.tokens.revoke.submit")} busy={revoke.isPending} error={revoke.error} onConfirm={() => revoke.mutate(going)} onClose={() => setGoing(null)}><p>{t("account.tokens.revoke.why")}</p></Confirm>}
    </Page>
  );
}

function Expires({ at }: { at: string | null }) {
  const t = useWords();
  const time = timeOf(at);
  if (time === null) return <span className="muted">{t("account.tokens.never")}</span>;
  const left = time.getTime() - Date.now();
  if (left < 0) return <Chip tone="danger" icon={IconAlertTriangle}>{t("account.tokens.expired")}</Chip>;
  return left < SOON_MS ? <span className="row"><IconAlertTriangle size={14} stroke={1.5} role="img" aria-label={t("account.tokens.soon")} /><Time value={at} /></span> : <Time value={at} />;
}

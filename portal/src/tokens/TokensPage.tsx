// Which programs have access as me, how far, and until when?
import { Button, Menu } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { AccessToken } from "../api/schema.ts";
import { WHOLE } from "../app/search.ts";
import { useUser } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Confirm } from "../kit/Confirm.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Page } from "../kit/Page.tsx";
import { SecretOnce } from "../kit/SecretOnce.tsx";
import { useReopen } from "../kit/formStorage.ts";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";
import { useTokenColumns } from "./tokenColumns.tsx";
import { TokenForm } from "./TokenForm.tsx";
import { refreshTokensQuery, tokensChanged, tokensQuery } from "./queries.ts";

export default function TokensPage() {
  const t = useTranslate();
  const user = useUser();
  const query = useQuery(tokensQuery);
  const refresh = useQuery(refreshTokensQuery).data;
  const [makes, setMakes] = useState(false);
  useReopen("token", () => { setMakes(true); return true; });
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
  const columns = useTokenColumns();
  const rows = query.data && { data: query.data, total: query.data.length };
  const make = <Button onClick={() => setMakes(true)}>{t("account.tokens.new.open")}</Button>;
  return (
    <Page title={t("account.tokens.title")} actions={rows?.total ? make : undefined} under={<p className="muted">{t("account.tokens.said")}</p>}>
      <Table
        id="tokens" caption={t("account.tokens.title")} columns={columns} query={{ ...query, data: rows }} list={WHOLE} whole rowKey={(one) => one.id} rowName={(one) => one.name}
        menu={(one) => <Menu.Item className="danger" onClick={() => setGoing(one)}>{t("account.tokens.revoke.open")}</Menu.Item>}
        empty={<Empty action={make}>{t("account.tokens.empty")}</Empty>}
      />
      {!!refresh?.tokens.length && <p className="muted">{t("account.tokens.refresh", { used: refresh.tokens.length, limit: refresh.limit })}</p>}
      {makes && <TokenForm onClose={() => setMakes(false)} onCreated={setSecret} />}
      {secret && <SecretOnce title={t("account.tokens.secret", { name: secret.name })} name={user?.username ?? ""} secret={secret.secret} onClose={() => setSecret(null)} />}
      {going && <Confirm title={t("account.tokens.revoke.title", { name: going.name })} submit={t("account.tokens.revoke.submit")} name={going.name} busy={revoke.isPending} error={revoke.error} onConfirm={() => revoke.mutate(going)} onClose={() => setGoing(null)}><p>{t("account.tokens.revoke.why")}</p></Confirm>}
    </Page>
  );
}

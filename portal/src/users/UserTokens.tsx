// Which programs have access as somebody else, for an administrator who has to end it.
import { Menu } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTokenColumns } from "../tokens/tokenColumns.tsx";
import { call } from "../api/client.ts";
import type { AccessToken, UserResp } from "../api/schema.ts";
import { WHOLE } from "../app/search.ts";
import { queries } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Confirm } from "../kit/Confirm.tsx";
import { Dialog } from "../kit/Dialog.tsx";
import { Empty } from "../kit/Empty.tsx";
import { Table } from "../kit/Table.tsx";
import { toast } from "../kit/toast.tsx";

export function UserTokens({ user, onClose }: { user: UserResp; onClose: () => void }) {
  const t = useTranslate();
  const queryKey = ["users", user.user_id, "tokens"];
  const query = useQuery({ queryKey, queryFn: async ({ signal }) => (await call("GET /users/{user_id}/tokens", { path: { user_id: user.user_id }, signal })).data });
  const [going, setGoing] = useState<AccessToken | null>(null);
  const columns = useTokenColumns();
  const revoke = useMutation({
    mutationFn: (one: AccessToken) => call("DELETE /users/{user_id}/tokens/{token_id}", { path: { user_id: user.user_id, token_id: one.id } }),
    onSuccess: (_, one) => {
      setGoing(null);
      toast(t("account.tokens.revoke.done", { name: one.name }));
    },
    onSettled: () => queries.invalidateQueries({ queryKey }),
  });
  return (
    <>
      <Dialog title={t("users.tokens.title", { name: user.username })} opened onClose={onClose} size={960}>
        <Table
          id="user-tokens" caption={t("users.tokens.title", { name: user.username })} columns={columns} query={{ ...query, data: query.data && { data: query.data, total: query.data.length } }} list={WHOLE} whole rowKey={(one) => one.id} rowName={(one) => one.name}
          menu={(one) => <Menu.Item className="danger" onClick={() => setGoing(one)}>{t("account.tokens.revoke.open")}</Menu.Item>}
          empty={<Empty>{t("users.tokens.empty", { name: user.username })}</Empty>}
        />
      </Dialog>
      {going && <Confirm title={t("account.tokens.revoke.title", { name: going.name })} submit={t("account.tokens.revoke.submit")} name={going.name} busy={revoke.isPending} error={revoke.error} onConfirm={() => revoke.mutate(going)} onClose={() => setGoing(null)}><p>{t("users.tokens.why", { name: user.username })}</p></Confirm>}
    </>
  );
}

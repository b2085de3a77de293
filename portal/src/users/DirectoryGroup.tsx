// Finds a group in the directory, so that nobody has to copy its DN.
import { Autocomplete } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { LdapGroup } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";

const TYPED_MS = 300;
const SHOWN = 20;

export function DirectoryGroup({ onChoose }: { onChoose: (group: LdapGroup) => void }) {
  const t = useTranslate();
  const [text, setText] = useState("");
  const [asked] = useDebouncedValue(text.trim(), TYPED_MS);
  const query = useQuery({
    queryKey: ["directory", "groups", asked],
    enabled: asked !== "",
    queryFn: async ({ signal }) => (await call("GET /ldap/groups/search", { query: { groupname: asked }, signal })).data,
  });
  const found = (asked === "" ? undefined : query.data) ?? [];
  return (
    <>
      <Autocomplete
        label={t("groups.new.look")} description={t("groups.new.lookHint")} value={text} spellCheck={false} data-autofocus filter={({ options }) => options}
        data={found.slice(0, SHOWN).map((one) => one.ldap_group_dn)} error={query.isSuccess && asked !== "" && found.length === 0 ? t("groups.new.lookNone") : null}
        onChange={setText} onOptionSubmit={(dn) => { const group = found.find((one) => one.ldap_group_dn === dn); if (group) onChoose(group); }}
      />
      {query.error && <ProblemBox error={query.error} onRetry={() => void query.refetch()} />}
    </>
  );
}

// Choosing one tag of a repository; a digest that the address names stands as it is.
import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { contractQuery } from "../app/search.ts";
import { useTranslate } from "../i18n/hooks.ts";
import type { Path } from "../artifacts/queries.ts";
import { shortDigest } from "../kit/format.ts";
import classes from "./compare.module.css";

const SHOWN = 50;

export function TagPick({ path, label, value, onPick }: { path: Path; label: string; value: string; onPick: (reference: string) => void }) {
  const t = useTranslate();
  const shown = value.includes(":") ? shortDigest(value) : value;
  const [sought, setSought] = useState(shown);
  const [asked] = useDebouncedValue(sought === shown ? "" : sought, 200);
  const tags = useQuery({
    queryKey: ["repository", path.project_name, path.repository_name, "tags", "pick", asked],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ name: asked && `~${asked}` });
      return (await call("GET /projects/{project_name}/repositories/{repository_name}/tags", { path, query: { ...(q ? { q } : {}), page_size: SHOWN }, signal })).data.map((one) => one.name);
    },
  });
  const names = tags.data ?? [];
  const data = [...(value !== "" && !names.includes(value) ? [{ value, label: shown }] : []), ...names.map((name) => ({ value: name, label: name }))];
  return <Select label={label} className={classes["tag"] ?? ""} searchable allowDeselect={false} placeholder={t("compare.pick")} nothingFoundMessage={t("compare.noTag")} data={data} value={value || null} onSearchChange={setSought} onChange={(one) => one && onPick(one)} />;
}

// Choosing one of the labels that an artifact of a project may carry: its own, and those of the whole system.
import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Label } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { projectQuery } from "../projects/queries.ts";
import { LabelDot } from "./LabelChip.tsx";
import { choicesQuery } from "./queries.ts";
import classes from "./labels.module.css";

/** `all`: the entry for no label, in a filter. `without`: ids of those that are not offered. */
export function LabelPick({ project, label, value = null, all, without = [], onPick }: { project: string; label: string; value?: string | null; all?: string; without?: readonly number[]; onPick: (label: Label | null) => void }) {
  const t = useTranslate();
  const id = useQuery(projectQuery(project)).data?.project_id;
  const [sought, setSought] = useState("");
  const [asked] = useDebouncedValue(sought, 200);
  const [wanted, setWanted] = useState(value !== null); // asked for when somebody goes there
  const choices = useQuery({ ...choicesQuery(project, id, value !== null || asked === all ? "" : asked), enabled: wanted && id !== undefined }).data;
  const found = choices ?? [];
  const want = () => setWanted(true);
  const offered = found.filter((one) => !without.includes(one.id ?? 0));
  const entry = (one: Label) => ({ value: String(one.id), label: one.name ?? "" });
  const group = (name: string, scope: string) => ({ group: name, items: offered.filter((one) => one.scope === scope).map(entry) });
  return (
    <Select
      aria-label={label} placeholder={label} size="xs" className={classes["pick"] ?? ""} searchable value={value ?? (all === undefined ? null : "")} allowDeselect={false} {...(choices ? { nothingFoundMessage: t("labels.pick.none") } : {})} onPointerEnter={want} onFocus={want} comboboxProps={{ width: 260, position: "bottom-start" }}
      data={[...(all === undefined ? [] : [{ value: "", label: all }]), ...[group(t("labels.pick.project"), "p"), group(t("labels.pick.system"), "g")].filter((one) => one.items.length > 0)]}
      renderOption={({ option }) => { const one = offered.find((each) => String(each.id) === option.value); return <span><LabelDot color={one?.color} shown={one !== undefined} /><bdi>{option.label}</bdi></span>; }}
      searchValue={sought} onSearchChange={setSought}
      onChange={(id) => {
        if (all === undefined) setSought(""); // what is added does not stay in the field
        onPick(offered.find((one) => String(one.id) === id) ?? null);
      }}
    />
  );
}

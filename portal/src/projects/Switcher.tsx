// Another project, or another repository of the same one, from where its name stands.
import { ActionIcon, Popover, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconChevronDown } from "@tabler/icons-react";
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import { places, split } from "../app/paths.ts";
import { contractQuery } from "../app/search.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Name } from "../kit/values.tsx";
import classes from "./switcher.module.css";

const MOST = 10;
const REST_MS = 150;

/** `of`: the project whose repositories are offered; none: projects are. */
const offeredQuery = (of: string | undefined, words: string) =>
  queryOptions({
    queryKey: [...(of === undefined ? ["projects"] : ["project", of, "repositories"]), "switch", words],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<{ label: string; to: string }[]> => {
      const q = contractQuery({ name: words && `~${words}` });
      const query = { ...(q ? { q } : {}), sort: "name", page_size: MOST };
      if (of === undefined) return (await call("GET /projects", { query, signal })).data.map(({ name }) => ({ label: name, to: places.repositories(name) }));
      const found = await call("GET /projects/{project_name}/repositories", { path: { project_name: of }, query, signal });
      return found.data.map(({ name }) => split(name ?? "")).map(([project, name]) => ({ label: name, to: places.repository(project, name) }));
    },
  });

export function Switcher({ of }: { of?: string }) {
  const t = useTranslate();
  const [open, setOpen] = useState(false);
  const label = t(of === undefined ? "projects.switch.project" : "projects.switch.repository");
  return (
    <Popover opened={open} onChange={setOpen} trapFocus returnFocus position="bottom-start" width={320} shadow="md">
      <Popover.Target><ActionIcon size={24} className={classes["opener"] ?? ""} aria-label={label} onClick={() => setOpen(!open)} data-no-print><IconChevronDown size={14} stroke={1.5} /></ActionIcon></Popover.Target>
      <Popover.Dropdown aria-label={label} className={classes["body"] ?? ""}>{open && <Offered of={of} label={label} onGo={() => setOpen(false)} />}</Popover.Dropdown>
    </Popover>
  );
}

function Offered({ of, label, onGo }: { of: string | undefined; label: string; onGo: () => void }) {
  const t = useTranslate();
  const [text, setText] = useState("");
  const [words] = useDebouncedValue(text.trim(), REST_MS);
  const found = useQuery(offeredQuery(of, words)).data;
  return (
    <>
      <TextInput type="search" aria-label={label} placeholder={t("projects.filter")} value={text} onChange={(event) => setText(event.currentTarget.value)} spellCheck={false} autoComplete="off" data-autofocus />
      <ul className={classes["list"]}>
        {(found ?? []).map((one) => <li key={one.to}><Link to={one.to} onClick={onGo}><Name>{one.label}</Name></Link></li>)}
      </ul>
      {found?.length === 0 && <p className="small muted">{t("kit.table.noMatch", { q: words })}</p>}
    </>
  );
}

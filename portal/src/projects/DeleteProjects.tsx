// What would go with projects: nothing while they hold repositories; of empty ones what is left in their trash.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/client.ts";
import type { Deletion } from "../api/schema.ts";
import { places } from "../app/paths.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Freed, Names, Removal } from "../artifacts/Removal.tsx";
import { askEach } from "../artifacts/removals.ts";
import { Name } from "../kit/values.tsx";
import { IS_NAME, projectsChanged } from "./queries.ts";

const sum = (found: Deletion[], of: (one: Deletion) => number) => found.reduce((total, one) => total + of(one), 0);

export default function DeleteProjects({ names, onClose, onDone }: { names: string[]; onClose: () => void; onDone?: () => void }) {
  const t = useTranslate();
  const single = names.length === 1 ? (names[0] ?? "") : null;
  const path = (name: string) => ({ project_name_or_id: name });
  const preview = useQuery({
    queryKey: ["deletion", "projects", names], // not below what the removal itself makes stale
    staleTime: 0,
    gcTime: 0,
    queryFn: ({ signal }) => askEach(names, async (name) => (await call("GET /projects/{project_name_or_id}/deletion", { path: path(name), header: IS_NAME, signal })).data),
  });
  const all = preview.data;
  const going = names.filter((_, index) => all?.[index]?.allowed ?? true);
  const found = all?.filter((one) => one.allowed) ?? [];
  const remove = async (name: string) => void (await call("DELETE /projects/{project_name_or_id}", { path: path(name), header: IS_NAME }));
  return (
    <Removal
      title={single === null ? t("projects.delete.title", { count: names.length }) : t("settings.delete.title", { name: single })}
      submit={single === null ? t("projects.delete.submit", { count: going.length }) : t("settings.delete.submit")}
      done={(count) => (single === null ? t("projects.delete.done", { count }) : t("settings.delete.done", { name: single }))}
      found={all && (found.length > 0 ? found : all)} failed={preview.error} retry={() => void preview.refetch()} typed={going[0] ?? ""} project="" going={going.map((name) => ({ name, entry: name, remove: () => remove(name) }))}
      changed={() => void projectsChanged()} onClose={onClose} onDone={onDone}
    >
      {single === null && going.length > 0 && <Names names={going.map((name) => <Name key={name} mono>{name}</Name>)} />}
      {found.length > 0 && <Freed freed={sum(found, (one) => one.freed)} shared={sum(found, (one) => one.shared)} />}
      {all?.map((one, index) => !one.allowed && <div key={names[index]} className="stack"><p><Link to={places.repositories(names[index] ?? "")}><Name mono>{names[index] ?? ""}</Name></Link></p><p>{t("settings.delete.refused", { count: one.repository_count })}</p></div>)}
    </Removal>
  );
}

// What would go with repositories: everything in them.
import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { Deletion } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Name } from "../kit/values.tsx";
import { projectChanged } from "../projects/queries.ts";
import { Freed, Names, Refusals, Removal } from "../artifacts/Removal.tsx";
import { repositoryChanged } from "../artifacts/queries.ts";
import { askEach } from "../artifacts/removals.ts";

const sum = (found: Deletion[], of: (one: Deletion) => number) => found.reduce((total, one) => total + of(one), 0);

/** `names`: without the project. */
export function DeleteRepositories({ project, names, onClose, onDone }: { project: string; names: string[]; onClose: () => void; onDone?: () => void }) {
  const t = useTranslate();
  const path = (name: string) => ({ project_name: project, repository_name: name });
  const preview = useQuery({
    queryKey: ["deletion", "repositories", project, names], // not below what the removal itself makes stale
    staleTime: 0,
    gcTime: 0,
    queryFn: ({ signal }) => askEach(names, async (name) => (await call("GET /projects/{project_name}/repositories/{repository_name}/deletion", { path: path(name), signal })).data),
  });
  const all = preview.data;
  const going = names.filter((_, index) => all?.[index]?.allowed ?? true);
  const found = all?.filter((one) => one.allowed) ?? [];
  const changed = async (leaving: boolean) => {
    await Promise.all(names.map((name) => repositoryChanged(path(name), leaving)));
    void projectChanged(project);
  };
  const remove = async (name: string) => void (await call("DELETE /projects/{project_name}/repositories/{repository_name}", { path: path(name) }));
  return (
    <Removal
      title={t("artifacts.deleteRepositories.title", { count: names.length })} submit={t("artifacts.deleteRepositories.submit", { count: going.length })} done={(count) => t("artifacts.deleteRepositories.done", { count })}
      found={all} failed={preview.error} retry={() => void preview.refetch()} typed={going[0] ?? ""} project={project} going={going.map((name) => ({ name: `${project}/${name}`, entry: `${project}/${name}`, remove: () => remove(name) }))}
      changed={changed} onClose={onClose} onDone={onDone}
    >
      {going.length > 0 && <Names names={going.map((name) => <Name key={name} mono>{`${project}/${name}`}</Name>)} />}
      {found.length > 0 && <p>{t("artifacts.deleteRepositories.artifacts", { count: sum(found, (one) => one.artifact_count) })} {t("artifacts.deleteRepositories.tags", { count: sum(found, (one) => one.tag_count) })}</p>}
      {found.length > 0 && <Freed freed={sum(found, (one) => one.freed)} shared={sum(found, (one) => one.shared)} />}
      {all?.map((one, index) => !one.allowed && <div key={names[index]} className="stack"><p><Name mono>{`${project}/${names[index] ?? ""}`}</Name></p><Refusals found={one} project={project} /></div>)}
    </Removal>
  );
}

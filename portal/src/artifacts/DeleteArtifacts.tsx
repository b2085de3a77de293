// What would go with artifacts: their tags, what refers to them, and what nothing else needs.
import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { shortDigest } from "../kit/format.ts";
import { Name } from "../kit/values.tsx";
import { Freed, Names, Refusals, Removal } from "./Removal.tsx";
import { repositoryChanged, type Path } from "./queries.ts";
import type { Going } from "./removals.ts";

export function DeleteArtifacts({ path, digests, onClose, onDone }: { path: Path; digests: string[]; onClose: () => void; onDone?: () => void }) {
  const t = useTranslate();
  const preview = useQuery({
    queryKey: ["deletion", "artifacts", path, digests], // not below what the removal itself makes stale
    staleTime: 0,
    gcTime: 0,
    queryFn: async ({ signal }) => (await call("POST /projects/{project_name}/repositories/{repository_name}/deletion", { path, body: { references: digests }, signal })).data,
  });
  const found = preview.data;
  const stays = new Set((found?.refused ?? []).map((one) => one.artifact));
  const leaves = digests.filter((digest) => !stays.has(digest) && !found?.unknown.includes(digest));
  const remove = async (digest: string): Promise<"along" | void> => {
    try {
      await call("DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}", { path: { ...path, reference: digest } });
    } catch (error) {
      // A child that nothing else needs goes with its index.
      if (digests.length > 1 && error instanceof Problem && error.status === 404) return "along";
      throw error;
    }
    return undefined;
  };
  const going: Going[] = leaves.map((digest) => ({ name: shortDigest(digest), entry: `${path.project_name}/${path.repository_name}@${digest}`, remove: () => remove(digest) }));
  const single = digests.length === 1 ? shortDigest(digests[0] ?? "") : null;
  const done = (count: number) => (single === null ? t("artifacts.deleteArtifacts.done", { count }) : t("artifacts.deleteArtifact.done", { name: single }));
  return (
    <Removal
      title={single === null ? t("artifacts.deleteArtifacts.title", { count: digests.length }) : t("artifacts.deleteArtifact.title", { name: single })}
      submit={single === null ? t("artifacts.deleteArtifacts.submit", { count: leaves.length }) : t("artifacts.deleteArtifact.submit")} done={done}
      found={found && [found]} failed={preview.error} retry={() => void preview.refetch()} typed={single ?? shortDigest(leaves[0] ?? "")} project={path.project_name} going={going}
      changed={(leaving) => repositoryChanged(path, leaving)} onClose={onClose} onDone={onDone}
    >
      {found && leaves.length > 0 && (
        <>
          {single === null && <Names names={leaves.map((digest) => <code key={digest} title={digest} translate="no">{shortDigest(digest)}</code>)} />}
          {found.tag_count > 0 && <><p>{single === null ? t("artifacts.deleteRepositories.tags", { count: found.tag_count }) : t("artifacts.deleteArtifact.tags", { count: found.tag_count })}</p><Names count={found.tag_count} names={found.tags.map((tag) => <Name key={tag} mono>{tag}</Name>)} /></>}
          {found.tag_count === 0 && single !== null && <p>{t("artifacts.deleteArtifact.untagged")}</p>}
          {found.child_count > 0 && <p>{single === null ? t("artifacts.deleteArtifacts.children", { count: found.child_count }) : t("artifacts.deleteArtifact.children", { count: found.child_count })}</p>}
          {found.accessory_count > 0 && <p>{single === null ? t("artifacts.deleteArtifacts.accessories", { count: found.accessory_count }) : t("artifacts.deleteArtifact.accessories", { count: found.accessory_count })}</p>}
          <Freed freed={found.freed} shared={found.shared} />
        </>
      )}
      {found && <Refusals found={found} stay={stays.size} of={digests.length} project={path.project_name} />}
    </Removal>
  );
}

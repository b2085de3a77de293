// What would go with an artifact: its tags, what refers to it, and what nothing else needs.
import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { useWords } from "../app/words.ts";
import { shortDigest } from "../kit/format.ts";
import { Name } from "../kit/show.tsx";
import { Freed, Names, Refusals, Removal } from "./Removal.tsx";
import { repositoryChanged, type Path } from "./queries.ts";

export function DeleteArtifact({ path, digest, onClose, onDone }: { path: Path; digest: string; onClose: () => void; onDone?: () => void }) {
  const t = useWords();
  const whole = { ...path, reference: digest };
  const preview = useQuery({
    queryKey: ["repository", path.project_name, path.repository_name, "deletion", digest],
    staleTime: 0,
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/deletion", { path: whole, signal })).data,
  });
  const found = preview.data;
  const short = shortDigest(digest);
  return (
    <Removal
      title={t("artifacts.deleteArtifact.title", { name: short })} submit={t("artifacts.deleteArtifact.submit")} done={t("artifacts.deleteArtifact.done", { name: short })}
      found={found && [found]} failed={preview.error} retry={() => void preview.refetch()} blocked={found?.allowed === false} project={path.project_name} entries={[`${path.project_name}/${path.repository_name}@${digest}`]}
      remove={async () => void (await call("DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}", { path: whole }))} changed={(leaving) => repositoryChanged(path, leaving)} onClose={onClose} onDone={onDone}
    >
      {found?.allowed && found.tag_count > 0 && <><p>{t("artifacts.deleteArtifact.tags", { count: found.tag_count })}</p><Names count={found.tag_count} names={found.tags.map((tag) => <Name key={tag} mono>{tag}</Name>)} /></>}
      {found?.allowed && found.tag_count === 0 && <p>{t("artifacts.deleteArtifact.untagged")}</p>}
      {found?.allowed && found.child_count > 0 && <p>{t("artifacts.deleteArtifact.children", { count: found.child_count })}</p>}
      {found?.allowed && found.accessory_count > 0 && <p>{t("artifacts.deleteArtifact.accessories", { count: found.accessory_count })}</p>}
      {found?.allowed && <Freed freed={found.freed} shared={found.shared} />}
      {found && <Refusals found={found} />}
    </Removal>
  );
}

// What deleting tags would do, before it is done.
import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { bytes, shortDigest } from "../kit/format.ts";
import { Bytes, Name } from "../kit/values.tsx";
import { Names, Refusals, Removal } from "./Removal.tsx";
import { repositoryChanged, type Path } from "./queries.ts";

export function DeleteTags({ path, tags, onClose, onDone }: { path: Path; tags: string[]; onClose: () => void; onDone?: () => void }) {
  const t = useTranslate();
  const language = useLanguage();
  const preview = useQuery({
    queryKey: ["deletion", "tags", path, tags], // not below what the removal itself makes stale
    staleTime: 0,
    gcTime: 0,
    queryFn: async ({ signal }) => (await call("POST /projects/{project_name}/repositories/{repository_name}/tags/deletion", { path, body: { tags }, signal })).data,
  });
  const found = preview.data;
  const refused = new Set((found?.refused ?? []).map((one) => one.tag));
  const going = tags.filter((tag) => !refused.has(tag));
  const remove = async (tag: string) => void (await call("DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags/{tag_name}", { path: { ...path, reference: tag, tag_name: tag } }));
  const untagged = (found?.artifacts ?? []).filter((one) => one.why === "untagged");
  return (
    <Removal
      title={t("artifacts.deleteTags.title", { count: tags.length })} submit={t("artifacts.deleteTags.submit", { count: going.length })} done={(count, inTrash) => t(inTrash ? "artifacts.deleteTags.trashed" : "artifacts.deleteTags.done", { count })}
      found={found && [found]} failed={preview.error} retry={() => void preview.refetch()} project={path.project_name} going={going.map((tag) => ({ name: tag, entry: `${path.project_name}/${path.repository_name}:${tag}`, remove: () => remove(tag) }))}
      changed={(leaving) => repositoryChanged(path, leaving)} onClose={onClose} onDone={onDone}
    >
      {going.length > 0 && <Names names={going.map((tag) => <Name key={tag} mono>{tag}</Name>)} />}
      {found && found.untagged_count > 0 && (
        <>
          <p>{t("artifacts.deleteTags.untagged", { count: found.untagged_count })}</p>
          <Names count={found.untagged_count} names={untagged.map((one) => <span key={one.digest} className="row"><code title={one.digest} translate="no">{shortDigest(one.digest)}</code><span className="muted"><Bytes value={one.size} /></span></span>)} />
          {found.freed > 0 && <p className="muted">{t("artifacts.deleteTags.frees", { bytes: bytes(found.freed, language) })}</p>}
        </>
      )}
      {found && <Refusals found={found} stay={tags.length - going.length} of={tags.length} project={path.project_name} />}
    </Removal>
  );
}

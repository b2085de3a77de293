// What deleting tags would do, before it is done; and the way back, where there is a trash.
import { useMutation, useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { useLanguage, useWords } from "../app/words.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { bytes, date } from "../kit/format.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name } from "../kit/show.tsx";
import { toast } from "../kit/toast.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { repositoryChanged } from "./queries.ts";

const SHOWN = 5;

export function DeleteTags({ path, tags, onClose, onDone }: { path: { project_name: string; repository_name: string }; tags: string[]; onClose: () => void; onDone?: () => void }) {
  const t = useWords();
  const language = useLanguage();
  const preview = useQuery({
    queryKey: ["repository", path.project_name, path.repository_name, "deletion", tags],
    staleTime: 0,
    queryFn: async ({ signal }) => (await call("POST /projects/{project_name}/repositories/{repository_name}/tags/deletion", { path, body: { tags }, signal })).data,
  });
  const found = preview.data;
  const refused = new Set((found?.refused ?? []).map((one) => one.tag));
  const going = tags.filter((tag) => !refused.has(tag));
  const remove = useMutation({
    mutationFn: async () => {
      for (const tag of going) await call("DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags/{tag_name}", { path: { ...path, reference: tag, tag_name: tag } });
    },
    onSuccess: () => {
      toast(t("artifacts.deleteTags.done", { count: going.length }), found && found.trash_days > 0 ? { label: t("kit.undo"), run: () => void restore(path, going).finally(() => repositoryChanged(path)) } : undefined);
      onClose();
      onDone?.();
    },
    onSettled: () => repositoryChanged(path),
  });
  return (
    <Dialog title={t("artifacts.deleteTags.title", { count: tags.length })} opened onClose={onClose}>
      {preview.error ? <ProblemBox error={preview.error} onRetry={() => void preview.refetch()} /> : (
        <DialogForm submit={t("artifacts.deleteTags.submit", { count: going.length })} onSubmit={() => remove.mutate()} onCancel={onClose} busy={remove.isPending || found === undefined} error={remove.error} danger>
          <ul>
            {going.slice(0, SHOWN).map((tag) => <li key={tag}><Name mono>{tag}</Name></li>)}
            {going.length > SHOWN && <li className="muted">{t("artifacts.deleteTags.more", { count: going.length - SHOWN })}</li>}
          </ul>
          {found && found.untagged_count > 0 && <p>{t("artifacts.deleteTags.untagged", { count: found.untagged_count })}</p>}
          {found && found.freed > 0 && found.trash_days > 0 && <p>{t("artifacts.deleteTags.freedLater", { bytes: bytes(found.freed, language), date: date(new Date(found.purge_time), language) })}</p>}
          {found && refused.size > 0 && <p>{t("artifacts.deleteTags.refused", { count: refused.size })}</p>}
        </DialogForm>
      )}
    </Dialog>
  );
}


/** Bring back the tags that were just deleted: the newest entries of the trash with their names. */
async function restore(path: { project_name: string; repository_name: string }, tags: string[]): Promise<void> {
  const { data } = await call("GET /projects/{project_name_or_id}/trash", { path: { project_name_or_id: path.project_name }, query: { sort: "-deleted_at", page_size: 100 }, header: IS_NAME });
  for (const tag of tags) {
    const entry = data.find((one) => one.kind === "tag" && one.name === `${path.project_name}/${path.repository_name}:${tag}`);
    if (entry) await call("POST /trash/{id}/restore", { path: { id: entry.id }, body: {} });
  }
}

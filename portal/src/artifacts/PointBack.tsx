// A tag points again where it once did: out of the trash if what it pointed to is there, else by pointing it there anew.
import { useMutation, useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { RepositoryPast } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { repositoryChanged } from "./queries.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { Facts } from "../kit/Facts.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Digest } from "../kit/values.tsx";
import { toast } from "../kit/toast.tsx";
import { offered, restoreEntry, trashChanged } from "../trash/queries.ts";
import { nowQuery } from "./tagHistory.ts";

type Path = { project_name: string; repository_name: string };

export function PointBack({ path, past, onClose }: { path: Path; past: RepositoryPast; onClose: () => void }) {
  const t = useTranslate();
  const query = useQuery(nowQuery(path, past.name));
  const now = query.data;
  const back = useMutation({
    mutationFn: async () => {
      if (past.kept === "trash" && past.trash_id !== null) await bringBack(past.trash_id);
      if (now === null && (await isThere(path, past))) return;
      await call("PUT /projects/{project_name}/repositories/{repository_name}/tags/{tag_name}", { path: { ...path, tag_name: past.name }, body: { digest: past.digest } });
    },
    onSuccess: () => {
      toast(t("history.back.done", { tag: past.name }));
      onClose();
    },
    onSettled: async () => {
      await repositoryChanged(path);
      await trashChanged(path.project_name);
    },
  });
  const isSame = now === past.digest;
  return (
    <Dialog title={t("history.back.title", { tag: past.name })} opened onClose={onClose}>
      {query.error ? <ProblemBox error={query.error} onRetry={() => void query.refetch()} /> : (
        <DialogForm submit={t("history.back.submit", { tag: past.name })} onSubmit={() => (isSame ? onClose() : back.mutate())} onCancel={onClose} busy={back.isPending || now === undefined} error={back.error}>
          <Facts rows={[[t("history.back.now"), now ? <Digest value={now} /> : now === null ? t("history.back.nowhere") : null], [t("history.back.then"), <Digest key="then" value={past.digest} />]]} />
          {isSame && <p>{t("history.back.same")}</p>}
          {!isSame && past.kept === "trash" && <p>{t("history.back.fromTrash")}</p>}
          {!isSame && now && <p>{t("history.back.stays")}</p>}
        </DialogForm>
      )}
    </Dialog>
  );
}

/** Out of the trash, with its tags and labels; names that were given again meanwhile stay where they are. */
async function bringBack(id: number): Promise<void> {
  try {
    await restoreEntry(id);
  } catch (error) {
    const offer = offered(error);
    if (offer === null) throw error;
    await restoreEntry(id, Object.fromEntries(Object.keys(offer).map((name) => [name, ""])));
  }
}

/** Whether the tag points there, as after its coming back with the artifact. */
async function isThere(path: Path, past: RepositoryPast): Promise<boolean> {
  const { data } = await call("GET /projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/history", { path: { ...path, tag_name: past.name }, query: { sort: "-since", page_size: 1 } });
  return data[0]?.ended_by === null && data[0].digest === past.digest;
}

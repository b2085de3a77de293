// An artifact goes to another repository too, with its platforms, its accessories and its tags; no byte is moved.
import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import { places } from "../app/places.ts";
import { contractQuery } from "../app/search.ts";
import { isAdmin, useUser } from "../app/session.tsx";
import { useWords } from "../app/words.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { TextField } from "../kit/Field.tsx";
import { toast } from "../kit/toast.tsx";
import { repositoryChanged, type Path } from "./queries.ts";

const REPOSITORY = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
/** Project admin, developer, maintainer: who may push may copy to. */
const PUSH = [1, 2, 4];

/** `of`: what is seen of each: a tag, or a digest in short. */
export function CopyTo({ path, digests, of, onClose }: { path: Path; digests: string[]; of: string; onClose: () => void }) {
  const t = useWords();
  const navigate = useNavigate();
  const user = useUser();
  const [project, setProject] = useState<string | null>(null);
  const [repository, setRepository] = useState(path.repository_name);
  const [sought, setSought] = useState("");
  const [wrong, setWrong] = useState<{ project?: string; repository?: string }>({});
  const [asked] = useDebouncedValue(sought === project ? "" : sought, 200);
  const projects = useQuery({
    queryKey: ["projects", "to", asked],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = contractQuery({ name: asked && `~${asked}` });
      return (await call("GET /projects", { query: { ...(q ? { q } : {}), sort: "name", page_size: 100 }, signal })).data;
    },
  });
  const names = (projects.data ?? []).filter((one) => !one.registry_id && (isAdmin(user) || PUSH.includes(one.current_user_role_id ?? 0))).map((one) => one.name);
  const copy = useMutation({
    mutationFn: async (to: Path) => {
      for (const digest of digests) await call("POST /projects/{project_name}/repositories/{repository_name}/artifacts", { path: to, query: { from: `${path.project_name}/${path.repository_name}@${digest}` } });
    },
    onSuccess: (_, to) => {
      toast(t("artifacts.copyTo.done", { name: `${to.project_name}/${to.repository_name}` }), { label: t("artifacts.copyTo.show"), run: () => void navigate({ to: places.repository(to.project_name, to.repository_name) }) });
      onClose();
    },
    onSettled: (_, __, to) => repositoryChanged(to),
  });
  const send = () => {
    if (project === null) setWrong({ project: t("artifacts.copyTo.which") });
    else if (!REPOSITORY.test(repository)) setWrong({ repository: t("artifacts.copyTo.rule") });
    else if (project === path.project_name && repository === path.repository_name) setWrong({ repository: t("artifacts.copyTo.same") });
    else copy.mutate({ project_name: project, repository_name: repository });
  };
  return (
    <Dialog title={digests.length === 1 ? t("artifacts.copyTo.title", { name: of }) : t("artifacts.copyTo.titleMany", { count: digests.length })} opened onClose={onClose} dirty={project !== null || repository !== path.repository_name}>
      <DialogForm submit={t("artifacts.copyTo.submit")} onSubmit={send} onCancel={onClose} busy={copy.isPending} error={copy.error}>
        <p>{t("artifacts.copyTo.why")}</p>
        <Select
          label={t("artifacts.copyTo.project")} searchable data={project !== null && !names.includes(project) ? [project, ...names] : names} value={project} error={wrong.project} nothingFoundMessage={projects.data && t("artifacts.copyTo.none")} data-autofocus
          onSearchChange={setSought} onChange={(value) => { setProject(value); setWrong({}); }}
        />
        <TextField label={t("artifacts.copyTo.repository")} value={repository} error={wrong.repository} onChange={(event) => { setRepository(event.currentTarget.value); setWrong({}); }} />
      </DialogForm>
    </Dialog>
  );
}

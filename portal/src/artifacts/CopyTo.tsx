// An artifact goes to another repository too, with its platforms, its accessories and its tags; no byte is moved.
import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { call } from "../api/client.ts";
import { places } from "../app/paths.ts";
import { contractQuery } from "../app/search.ts";
import { isAdmin, useUser } from "../app/session.tsx";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Dialog, DialogForm } from "../kit/Dialog.tsx";
import { tryEach, type Left } from "../kit/batch.ts";
import { TextField } from "../kit/Field.tsx";
import { number } from "../kit/format.ts";
import { Progress } from "../kit/Progress.tsx";
import { Refused } from "../kit/Refusals.tsx";
import { toast } from "../kit/toast.tsx";
import { repositoryChanged, type Path } from "./queries.ts";

const REPOSITORY = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
/** Project admin, developer, maintainer: who may push may copy to. */
const PUSH = [1, 2, 4];

export interface Copied {
  digest: string;
  /** What is seen of it: a tag, or the digest in short. */
  name: string;
}

/** Each artifact once, however many of its tags were chosen: they all go along. */
export const once = <T extends Copied>(these: readonly T[]): T[] => these.filter((one, at) => these.findIndex((each) => each.digest === one.digest) === at);

export function CopyTo({ path, these, onClose }: { path: Path; these: Copied[]; onClose: () => void }) {
  const t = useTranslate();
  const language = useLanguage();
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
  const [left, setLeft] = useState<Left<Copied>[]>([]);
  const [tried, setTried] = useState(0);
  const stops = useRef(false);
  const copy = useMutation({
    mutationFn: async ({ to, what }: { to: Path; what: Copied[] }) => {
      stops.current = false;
      setLeft([]);
      setTried(0);
      const { done, left: refused } = await tryEach(
        what, (one) => one.name, (one) => call("POST /projects/{project_name}/repositories/{repository_name}/artifacts", { path: to, query: { from: `${path.project_name}/${path.repository_name}@${one.digest}` } }),
        setTried, () => stops.current,
      );
      if (refused.length === 1 && done.length === 0) throw refused[0]?.problem;
      return { done, refused };
    },
    onSuccess: ({ done, refused }, { to }) => {
      const name = `${to.project_name}/${to.repository_name}`;
      const show = { label: t("artifacts.copyTo.show"), run: () => void navigate({ to: places.repository(to.project_name, to.repository_name) }) };
      if (done.length > 0) toast(these.length === 1 ? t("artifacts.copyTo.done", { name }) : t("artifacts.copyTo.doneMany", { count: done.length, name }), show);
      if (refused.length > 0) setLeft(refused);
      else onClose();
    },
    onSettled: (_, __, { to }) => repositoryChanged(to),
  });
  const running = copy.isPending ? copy.variables.what.length : 0;
  const send = () => {
    if (project === null) setWrong({ project: t("artifacts.copyTo.which") });
    else if (!REPOSITORY.test(repository)) setWrong({ repository: t("artifacts.copyTo.rule") });
    else if (project === path.project_name && repository === path.repository_name) setWrong({ repository: t("artifacts.copyTo.same") });
    else copy.mutate({ to: { project_name: project, repository_name: repository }, what: left.length > 0 ? left.map(({ one }) => one) : these });
  };
  // What is on its way ends with the one in hand.
  const leave = () => {
    if (copy.isPending) stops.current = true;
    else onClose();
  };
  return (
    <Dialog title={these.length === 1 ? t("artifacts.copyTo.title", { name: these[0]?.name ?? "" }) : t("artifacts.copyTo.titleMany", { count: these.length })} opened onClose={leave} dirty={!copy.isPending && left.length === 0 && (project !== null || repository !== path.repository_name)}>
      <DialogForm
        submit={left.length > 0 ? t("problems.retry") : t("artifacts.copyTo.submit")} onSubmit={send} onCancel={leave} busy={copy.isPending} error={copy.error}
        {...(running > 1 ? { cancel: t("work.stop") } : left.length > 0 ? { cancel: t("kit.dialog.close") } : {})}
      >
        <p>{t("artifacts.copyTo.why")}</p>
        <Select
          label={t("artifacts.copyTo.project")} searchable data={project !== null && !names.includes(project) ? [project, ...names] : names} value={project} error={wrong.project} nothingFoundMessage={projects.data && t("artifacts.copyTo.none")} data-autofocus
          onSearchChange={setSought} onChange={(value) => { setProject(value); setWrong({}); }}
        />
        <TextField label={t("artifacts.copyTo.repository")} value={repository} error={wrong.repository} onChange={(event) => { setRepository(event.currentTarget.value); setWrong({}); }} />
        {left.length > 0 && <Refused title={t("artifacts.copyTo.left", { count: left.length })} left={left} />}
        {running > 1 && <Progress part={tried / running} label={t("artifacts.copyTo.submit")} text={t("work.of", { done: number(tried, language), total: number(running, language) })} />}
      </DialogForm>
    </Dialog>
  );
}

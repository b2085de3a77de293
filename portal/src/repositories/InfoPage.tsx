// What is this, and how is it used? Written by those who push here, in Markdown; edited where it is read.
import { Button, SegmentedControl } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { KeptNote, useKept } from "../kit/Draft.tsx";
import { useReopen } from "../kit/formStorage.ts";
import { TextArea } from "../kit/Field.tsx";
import { Markdown } from "../kit/Markdown.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { toast } from "../kit/toast.tsx";
import { repositoryChanged, repositoryQuery, useRepository, type Path } from "../artifacts/queries.ts";
import kit from "../kit/kit.module.css";
import { Waiting } from "../kit/Waiting.tsx";

const draftOf = (path: Path) => `description/${path.project_name}/${path.repository_name}`;

export default function InfoPage() {
  const t = useTranslate();
  const { project, repository, path } = useRepository();
  const may = useMay(project);
  const query = useQuery(repositoryQuery(path));
  const [edits, setEdits] = useState(false);
  useReopen(draftOf(path), () => { setEdits(true); return true; });
  if (query.error && !query.data) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data) return <Waiting />;
  const text = query.data.description ?? "";
  const open = may("repository:update") ? <Button variant="default" onClick={() => setEdits(true)}>{text === "" ? t("artifacts.info.write") : t("artifacts.info.edit")}</Button> : undefined;
  if (edits && open) return <Editor path={path} name={repository} text={text} onClose={() => setEdits(false)} />;
  if (text.trim() === "") return <Empty action={open}>{t("artifacts.info.empty")}</Empty>;
  return (
    <div className="stack">
      {open && <div className="row" data-no-print>{open}</div>}
      <article className="panel" aria-label={t("artifacts.info.of", { name: repository })}><Markdown text={text} /></article>
    </div>
  );
}

function Editor({ path, name, text, onClose }: { path: Path; name: string; text: string; onClose: () => void }) {
  const t = useTranslate();
  const [one, setOne, kept] = useKept(draftOf(path), { typed: text });
  const { typed } = one;
  const [view, setView] = useState<"write" | "preview">("write");
  const [asks, setAsks] = useState(false);
  const dirty = typed !== text;
  const save = useMutation({
    mutationFn: () => call("PUT /projects/{project_name}/repositories/{repository_name}", { path, body: { description: typed } }),
    onSuccess: async () => {
      await repositoryChanged(path);
      toast(t("artifacts.info.saved"));
      onClose();
    },
  });
  const leaving = useBlocker({ shouldBlockFn: () => dirty && !save.isSuccess, enableBeforeUnload: () => dirty && !save.isSuccess, withResolver: true });
  const discards = asks || leaving.status === "blocked";
  const keep = () => {
    setAsks(false);
    leaving.reset?.();
  };
  const discard = () => {
    if (leaving.status === "blocked") leaving.proceed();
    else onClose();
  };
  return (
    <form className="stack" aria-label={t("artifacts.info.of", { name })} onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      {discards && (
        <div className={kit["asks"]} role="alert">
          <span>{t("kit.dialog.discardAsk")}</span><span className="grow" />
          <Button size="xs" variant="default" onClick={keep}>{t("kit.dialog.keep")}</Button>
          <Button size="xs" variant="default" onClick={discard}>{t("kit.dialog.discard")}</Button>
        </div>
      )}
      <KeptNote kept={kept} />
      <div className="row">
        <SegmentedControl aria-label={t("artifacts.info.view")} value={view} onChange={(value) => setView(value as "write")} data={[{ value: "write", label: t("artifacts.info.write") }, { value: "preview", label: t("artifacts.info.preview") }]} />
        <span className="grow" />
        <Button variant="default" onClick={() => (dirty ? setAsks(true) : onClose())}>{t("kit.dialog.cancel")}</Button>
        <Button type="submit" loading={save.isPending}>{t("artifacts.info.save")}</Button>
      </div>
      {save.error && <ProblemBox error={save.error} />}
      {view === "write" ? <TextArea label={t("artifacts.info.label")} description={t("artifacts.info.hint")} minRows={12} maxRows={30} value={typed} autoFocus spellCheck dir="auto" onChange={(event) => setOne({ typed: event.currentTarget.value })} /> : <div className="panel">{typed.trim() === "" ? <Empty>{t("artifacts.info.nothing")}</Empty> : <Markdown text={typed} />}</div>}
    </form>
  );
}

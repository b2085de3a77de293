// Choosing repositories and tags by patterns, with what they mean just now: how many there are, and the first of them.
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { asProblem } from "../api/problem.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { SelectField, TextField } from "../kit/Field.tsx";
import { useSaidOf } from "../kit/ProblemBox.tsx";
import { Name } from "../kit/values.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { KINDS, repositorySelector, tagSelector, type Chosen, type Kind } from "./selectors.ts";
import classes from "./selectors.module.css";

const FIRST = 5;

export function Selectors({ project, chosen, onChange }: { project: string; chosen: Chosen; onChange: (change: Partial<Chosen>) => void }) {
  const t = useTranslate();
  const [asked] = useDebouncedValue(chosen, 400);
  const matches = useQuery({
    queryKey: ["project", project, "match", asked],
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: async ({ signal }) => (await call("POST /projects/{project_name_or_id}/selectors/match", { path: { project_name_or_id: project }, header: IS_NAME, body: { repository: repositorySelector(asked), tag: tagSelector(asked), first: FIRST }, signal })).data,
  });
  const found = matches.error ? undefined : matches.data;
  const said = useSaidOf(matches.error !== null);
  const kinds = KINDS.map((one) => ({ value: one, label: t(`selectors.kind.${one}`) }));
  const sides = [{ value: "", label: t("selectors.matching") }, { value: "not", label: t("selectors.notMatching") }];
  return (
    <>
      <TextField label={t("selectors.repositories")} description={t("selectors.repositoriesHint")} value={chosen.repositories} onChange={(event) => onChange({ repositories: event.currentTarget.value })} />
      <div className={classes["how"]}>
        <SelectField label={t("selectors.repositoryKind")} data={kinds} value={chosen.repositoryKind} onChange={(kind) => onChange({ repositoryKind: kind as Kind })} />
        <SelectField label={t("selectors.repositorySide")} data={sides} value={chosen.repositoriesNot ? "not" : ""} onChange={(side) => onChange({ repositoriesNot: side === "not" })} />
      </div>
      <TextField label={t("selectors.tags")} value={chosen.tags} onChange={(event) => onChange({ tags: event.currentTarget.value })} />
      <div className={classes["how"]}>
        <SelectField label={t("selectors.tagKind")} data={kinds} value={chosen.tagKind} onChange={(kind) => onChange({ tagKind: kind as Kind })} />
        <SelectField label={t("selectors.tagSide")} data={sides} value={chosen.tagsNot ? "not" : ""} onChange={(side) => onChange({ tagsNot: side === "not" })} />
      </div>
      <div className={`muted small ${classes["found"] ?? ""}`} role="status">
        {matches.error && <p className="wrong">{said(asProblem(matches.error))}</p>}
        {found?.tags && <p>{t("selectors.matches", { tags: found.tags.matched, of: found.tags.of, repositories: found.repositories.matched })}{!found.complete && <> {t("selectors.notAll")}</>}</p>}
        {found && found.first_tags.length > 0 && <p>{found.first_tags.map((one, index) => <span key={`${one.repository}:${one.tag}`}>{index > 0 && ", "}<Name mono>{`${one.repository}:${one.tag}`}</Name></span>)}{(found.tags?.matched ?? 0) > found.first_tags.length && ", …"}</p>}
      </div>
    </>
  );
}

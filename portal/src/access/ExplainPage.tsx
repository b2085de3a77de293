// Why may somebody do something here, or may not?
import { Button, SegmentedControl } from "@mantine/core";
import { IconCheck, IconMinus, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { Check, Explanation } from "../api/schema.ts";
import { useSearch } from "../app/search.ts";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { SelectField, TextField } from "../kit/Field.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Name } from "../kit/values.tsx";
import { IS_NAME } from "../projects/queries.ts";
import classes from "./explain.module.css";
import { said } from "./checkText.ts";

const KINDS = ["user", "robot", "anonymous"] as const;
type Kind = (typeof KINDS)[number];
/** What people ask about; the server knows every permission. */
const ACTIONS = ["pull", "push", "delete", "tag:create", "tag:delete", "artifact:delete", "repository:update", "repository:delete", "member:list", "member:create", "robot:create", "label:create", "tag-retention:update", "immutable-tag:create", "notification-policy:create", "configuration:update", "project:update", "project:delete"];

export default function ExplainPage() {
  const t = useTranslate();
  const { project } = useParams({ strict: false }) as { project: string };
  const [search, setSearch] = useSearch();
  const [kind, setKind] = useState<Kind>(KINDS.find((one) => one === search["kind"]) ?? "user");
  const [name, setName] = useState(search["name"] ?? "");
  const [action, setAction] = useState(search["action"] ?? "pull");
  const [repository, setRepository] = useState(search["repository"] ?? "");
  const [tag, setTag] = useState(search["tag"] ?? "");
  const [wrong, setWrong] = useState<string | null>(null);
  const asked = { kind: search["kind"], name: search["name"] ?? "", action: search["action"] ?? "", repository: search["repository"] ?? "", tag: search["tag"] ?? "" };
  const principal = asked.kind === "anonymous" ? "anonymous" : `${asked.kind}:${asked.name}`;
  const query = useQuery({
    queryKey: ["project", project, "explain", asked],
    enabled: asked.action !== "" && asked.kind !== undefined,
    staleTime: 0,
    queryFn: async ({ signal }) => (await call("GET /projects/{project_name_or_id}/explain", { path: { project_name_or_id: project }, query: { principal, action: asked.action, repository: asked.repository, tag: asked.tag }, header: IS_NAME, signal })).data,
  });
  const send = () => {
    if (kind !== "anonymous" && name.trim() === "") {
      setWrong(t("explain.who.missing"));
      return;
    }
    const next = { kind, name: kind === "anonymous" ? "" : name.trim(), action, repository: repository.trim(), tag: tag.trim() };
    if (JSON.stringify(next) === JSON.stringify(asked)) void query.refetch();
    else setSearch(next);
  };
  return (
    <div className="sections">
      <form className="stack" aria-label={t("explain.title")} onSubmit={(event) => { event.preventDefault(); send(); }} noValidate>
        <h2>{t("explain.title")}</h2>
        <p>{t("explain.about")}</p>
        <SegmentedControl className={classes["kinds"] ?? ""} aria-label={t("explain.who.label")} value={kind} onChange={(one) => { setKind(one as Kind); setWrong(null); }} data={KINDS.map((one) => ({ value: one, label: t(`explain.who.${one}`) }))} />
        <div className={classes["fields"]}>
          {kind !== "anonymous" && <TextField label={t("explain.who.name")} value={name} error={wrong} onChange={(event) => { setName(event.currentTarget.value); setWrong(null); }} />}
          <SelectField label={t("explain.action")} searchable data={ACTIONS.includes(action) ? ACTIONS : [action, ...ACTIONS]} value={action} onChange={(one) => setAction(String(one ?? "pull"))} />
          <TextField label={t("explain.repository")} optional value={repository} onChange={(event) => setRepository(event.currentTarget.value)} />
          <TextField label={t("explain.tag")} optional value={tag} onChange={(event) => setTag(event.currentTarget.value)} />
        </div>
        <div className="row"><Button type="submit" loading={query.isFetching}>{t("explain.submit")}</Button></div>
      </form>
      {query.error ? <ProblemBox error={query.error} /> : query.data && <Answer found={query.data} who={asked.kind === "anonymous" ? t("explain.who.anonymous") : asked.name} action={asked.action} />}
    </div>
  );
}

function Answer({ found, who, action }: { found: Explanation; who: string; action: string }) {
  const t = useTranslate();
  const language = useLanguage();
  const words = (one: Check) => said(one, t, language);
  return (
    <section className="stack" aria-label={t("explain.answer")} role="status">
      <div className="row"><Chip tone={found.allowed ? "ok" : "danger"} icon={found.allowed ? IconCheck : IconX}>{found.allowed ? t("explain.may") : t("explain.mayNot")}</Chip><span className="strong"><Name>{who}</Name></span><code translate="no">{action}</code></div>
      <ol className={classes["checks"]}>
        {found.checks.map((one, index) => {
          const Sign = one.allows === null ? IconMinus : one.allows ? IconCheck : IconX;
          const said = one.allows === null ? t("explain.nothing") : one.allows ? t("explain.gives") : t("explain.takes");
          return (
            <li key={`${one.rule} ${index}`} data-tone={one.allows === null ? undefined : one.allows ? "ok" : "danger"}>
              <Sign size={16} stroke={1.5} aria-hidden /><span className={classes["said"]}>{said}</span><span className={classes["text"]}><bdi>{words(one)}</bdi></span>
              {one.rule === found.decided_by && <Chip tone="accent">{t("explain.decided")}</Chip>}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

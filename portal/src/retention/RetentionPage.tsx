// What would be deleted next, and why?
import { Button, Menu, ActionIcon, Select } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { RetentionRule } from "../api/schema.ts";
import { useSearch } from "../app/search.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Confirm } from "../kit/Confirm.tsx";
import { Empty } from "../kit/Empty.tsx";
import { useReopen } from "../kit/formStorage.ts";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Rules } from "../kit/Rules.tsx";
import { useSaidCron } from "../kit/Schedule.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { isEvery } from "../selectors/selectors.ts";
import { projectChanged, projectQuery } from "../projects/queries.ts";
import { RuleForm } from "./RuleForm.tsx";
import { Runs } from "./Runs.tsx";
import { policyQuery, retentionChanged } from "./queries.ts";
import { cronOf, policyOf, shownOf } from "./rules.ts";

const SCHEDULES = ["", "0 0 2 * * *", "0 0 3 * * 0"];

export default function RetentionPage() {
  const t = useTranslate();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const saidAt = useSaidCron();
  const found = useQuery(projectQuery(project)).data;
  const id = found?.metadata.retention_id ? Number(found.metadata.retention_id) : null;
  const query = useQuery(policyQuery(project, id));
  const [, setSearch] = useSearch();
  const [form, setForm] = useState<number | "new" | null>(null);
  const [runs, setRuns] = useState(false);
  const rules = query.data?.rules ?? [];
  useReopen(`retention/${project}`, (which) => {
    const at = rules.findIndex((one) => JSON.stringify(one) === which);
    if (which === "new") setForm(which);
    else if (at >= 0) setForm(at);
    return which === "new" || query.data !== undefined;
  });
  const cron = cronOf(query.data);
  const writes = may("tag-retention:update");
  const save = useMutation({
    mutationFn: async ({ next, at }: { next: RetentionRule[]; at: string }) => {
      const body = policyOf(found?.project_id ?? 0, next, at);
      await (id === null ? call("POST /retentions", { body }) : call("PUT /retentions/{id}", { path: { id }, body: { ...body, id } }));
    },
    onSuccess: async () => {
      setForm(null);
      await Promise.all([projectChanged(project), retentionChanged(project)]);
    },
  });
  const run = useMutation({
    mutationFn: async (dry: boolean) => {
      const { headers } = await call("POST /retentions/{id}/executions", { path: { id: id ?? 0 }, body: { dry_run: dry } });
      return headers.get("Location")?.split("/").pop();
    },
    onSuccess: (made) => {
      setRuns(false);
      setSearch({ run: made, page: undefined });
      void retentionChanged(project);
    },
  });
  if (query.error && query.data === undefined) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  if (!found || (id !== null && !query.data)) return <Waiting />;
  const schedules = [...new Set([...SCHEDULES, cron])].map((one) => ({ value: one, label: one === "" ? t("retention.schedule.none") : one === SCHEDULES[1] ? t("retention.schedule.daily") : one === SCHEDULES[2] ? t("retention.schedule.weekly") : saidAt(one) }));
  return (
    <div className="sections">
      <section className="stack" aria-label={t("retention.rules")}>
        <p>{t("retention.about")}</p>
        {rules.length === 0 ? <Empty>{t("retention.empty")}</Empty> : (
          <Rules
            rules={rules.map((rule, index) => {
              const shown = shownOf(rule);
              return {
                key: rule.id ?? index,
                off: Boolean(rule.disabled),
                body: (
                  <>
                    <span className="strong">{t(`retention.template.${shown.template}`, { count: shown.count })}</span>
                    <span className="muted">{isEvery(shown.repositories) ? t("selectors.everyRepository") : <>{t("retention.where")} <code translate="no">{shown.repositories}</code></>} · {isEvery(shown.tags) ? t("selectors.everyTag") : <>{t("retention.tags")} <code translate="no">{shown.tags}</code></>}</span>
                    {rule.disabled && <Chip>{t("retention.off")}</Chip>}
                  </>
                ),
                menu: writes && (
                  <Menu>
                    <Menu.Target><ActionIcon aria-label={t("retention.menu", { n: index + 1 })}><IconDots size={16} stroke={1.5} /></ActionIcon></Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item onClick={() => setForm(index)}>{t("retention.edit")}</Menu.Item>
                      <Menu.Item onClick={() => save.mutate({ next: rules.map((one, at) => (at === index ? { ...one, disabled: !one.disabled } : one)), at: cron })}>{rule.disabled ? t("retention.turnOn") : t("retention.turnOff")}</Menu.Item>
                      <Menu.Divider />
                      <Menu.Item className="danger" onClick={() => save.mutate({ next: rules.filter((_, at) => at !== index), at: cron })}>{t("retention.remove")}</Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                ),
              };
            })}
          />
        )}
        {save.error && form === null && <ProblemBox error={save.error} />}
        {run.error && !runs && <ProblemBox error={run.error} />}
        <div className="row">
          {writes && <Button variant="default" onClick={() => setForm("new")}>{t("retention.add")}</Button>}
          {id !== null && <Select aria-label={t("retention.schedule.label")} w={240} data={schedules} value={cron} disabled={!writes} allowDeselect={false} onChange={(at) => save.mutate({ next: rules, at: at ?? "" })} />}
          <span className="grow" />
          {writes && id !== null && rules.length > 0 && <Button loading={run.isPending && !runs} onClick={() => run.mutate(true)}>{t("retention.dryRun")}</Button>}
          {writes && id !== null && rules.length > 0 && <Button variant="default" onClick={() => setRuns(true)}>{t("retention.runNow")}</Button>}
        </div>
      </section>
      {id !== null && <Runs project={project} id={id} rules={rules} />}
      {form !== null && <RuleForm project={project} rule={form === "new" ? null : (rules[form] ?? null)} busy={save.isPending} error={save.error} onClose={() => { save.reset(); setForm(null); }} onSave={(made) => save.mutate({ next: form === "new" ? [...rules, made] : rules.map((one, at) => (at === form ? { ...made, ...(one.id ? { id: one.id } : {}) } : one)), at: cron })} />}
      {runs && <Confirm title={t("retention.run.title")} submit={t("retention.run.submit")} busy={run.isPending} error={run.error} onConfirm={() => run.mutate(false)} onClose={() => setRuns(false)}><p>{t("retention.run.why")}</p></Confirm>}
    </div>
  );
}

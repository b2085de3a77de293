// Which tags can't move?
import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../api/client.ts";
import type { ImmutableRule } from "../api/schema.ts";
import { useMay } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Empty } from "../kit/Empty.tsx";
import { ProblemBox } from "../kit/ProblemBox.tsx";
import { Rules } from "../kit/Rules.tsx";
import { toast } from "../kit/toast.tsx";
import { Waiting } from "../kit/Waiting.tsx";
import { IS_NAME } from "../projects/queries.ts";
import { chosenOf, isEvery, said } from "../selectors/selectors.ts";
import { RuleForm } from "./RuleForm.tsx";
import { MOST, keptQuery, rulesChanged, rulesQuery } from "./queries.ts";

export default function ImmutabilityPage() {
  const t = useTranslate();
  const { project } = useParams({ strict: false }) as { project: string };
  const may = useMay(project);
  const query = useQuery(rulesQuery(project));
  const [form, setForm] = useState<ImmutableRule | "new" | null>(null);
  const where = { project_name_or_id: project };
  const one = (rule: ImmutableRule) => ({ ...where, immutable_rule_id: rule.id ?? 0 });
  const save = useMutation({
    mutationFn: async (rule: ImmutableRule) => {
      if (rule.id) await call("PUT /projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}", { path: one(rule), body: rule, header: IS_NAME });
      else await call("POST /projects/{project_name_or_id}/immutabletagrules", { path: where, body: rule, header: IS_NAME });
    },
    onSuccess: () => setForm(null),
    onSettled: () => rulesChanged(project),
  });
  const remove = useMutation({
    mutationFn: (rule: ImmutableRule) => call("DELETE /projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}", { path: one(rule), header: IS_NAME }),
    onSuccess: (_, rule) => toast(t("immutability.removed"), { label: t("kit.undo"), run: () => save.mutate({ ...rule, id: null }) }),
    onSettled: () => rulesChanged(project),
  });
  if (query.error && query.data === undefined) return <ProblemBox error={query.error} onRetry={() => void query.refetch()} />;
  const rules = query.data;
  if (!rules) return <Waiting />;
  const failed = remove.error ?? (form === null ? save.error : null);
  const close = () => {
    save.reset();
    setForm(null);
  };
  return (
    <div className="stack">
      <p>{t("immutability.about")}</p>
      {rules.length === 0 ? <Empty>{t("immutability.empty")}</Empty> : (
        <Rules
          rules={rules.map((rule, index) => ({
            key: rule.id ?? index, off: Boolean(rule.disabled), body: <Said project={project} rule={rule} />,
            menu: (may("immutable-tag:update") || may("immutable-tag:delete")) && (
              <Menu>
                <Menu.Target><ActionIcon aria-label={t("immutability.menu", { n: index + 1 })}><IconDots size={16} stroke={1.5} /></ActionIcon></Menu.Target>
                <Menu.Dropdown>
                  {may("immutable-tag:update") && <Menu.Item onClick={() => setForm(rule)}>{t("immutability.edit")}</Menu.Item>}
                  {may("immutable-tag:update") && <Menu.Item onClick={() => save.mutate({ ...rule, disabled: !rule.disabled })}>{rule.disabled ? t("immutability.turnOn") : t("immutability.turnOff")}</Menu.Item>}
                  {may("immutable-tag:delete") && <><Menu.Divider /><Menu.Item className="danger" onClick={() => remove.mutate(rule)}>{t("immutability.remove")}</Menu.Item></>}
                </Menu.Dropdown>
              </Menu>
            ),
          }))}
        />
      )}
      {failed && <ProblemBox error={failed} />}
      {may("immutable-tag:create") && <div className="row"><Button disabled={rules.length >= MOST} onClick={() => setForm("new")}>{t("immutability.add")}</Button>{rules.length >= MOST && <span className="muted">{t("immutability.most", { count: MOST })}</span>}</div>}
      {form !== null && <RuleForm project={project} rule={form === "new" ? null : form} busy={save.isPending} error={save.error} onSave={(rule) => save.mutate(rule)} onClose={close} />}
    </div>
  );
}

function Said({ project, rule }: { project: string; rule: ImmutableRule }) {
  const t = useTranslate();
  const chosen = chosenOf(rule);
  const where = said(chosen.repositories, chosen.repositoriesNot);
  const kept = useQuery(keptQuery(project, rule)).data?.tags;
  return (
    <>
      <span>{t("immutability.tags")} <code translate="no">{said(chosen.tags, chosen.tagsNot)}</code> <span className="muted">{isEvery(where) ? t("selectors.everyRepository") : <>{t("immutability.in")} <code translate="no">{where}</code></>}</span></span>
      {rule.disabled ? <Chip>{t("immutability.off")}</Chip> : kept && <span className="muted">{t("immutability.keeps", { count: kept.matched })}</span>}
    </>
  );
}

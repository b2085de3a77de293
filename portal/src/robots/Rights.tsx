// What a robot may do: as a field, in words, and as a list.
import { Checkbox, Radio } from "@mantine/core";
import { useState } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { BUNDLES, bundleOf, byResource, type Bundle } from "./rights.ts";
import classes from "./robots.module.css";

/** A few usual bundles, or each right by itself. */
export function RightsField({ label, grantable, value, onChange }: { label: string; grantable: readonly string[]; value: readonly string[]; onChange: (rights: string[]) => void }) {
  const t = useTranslate();
  const [isCustom, setCustom] = useState(bundleOf(value) === null);
  const bundle = isCustom ? "custom" : (bundleOf(value) ?? "custom");
  const choose = (one: string) => {
    setCustom(one === "custom");
    if (one !== "custom") onChange([...BUNDLES[one as Bundle]]);
  };
  return (
    <>
      <Radio.Group label={label} value={bundle} onChange={choose}>
        <div className="stack">
          {(Object.keys(BUNDLES) as Bundle[]).map((one) => <Radio key={one} value={one} label={t(`robots.bundle.${one}`)} />)}
          <Radio value="custom" label={t("robots.bundle.custom")} />
        </div>
      </Radio.Group>
      {isCustom && <EachRight label={t("robots.bundle.custom")} grantable={grantable} value={value} onChange={onChange} />}
    </>
  );
}

/** A box for each right, by what it is on. */
export function EachRight({ label, grantable, value, onChange }: { label: string; grantable: readonly string[]; value: readonly string[]; onChange: (rights: string[]) => void }) {
  const has = new Set(value);
  return (
    <div className={classes["rights"]} role="group" aria-label={label}>
      {byResource(grantable).map(([resource, actions]) => (
        <div key={resource} className={classes["line"]}>
          <code translate="no">{resource}</code>
          <div className="row">
            {actions.map((action) => {
              const right = `${resource}:${action}`;
              return <Checkbox key={right} label={action} aria-label={right} checked={has.has(right)} onChange={() => onChange(has.has(right) ? value.filter((one) => one !== right) : [...value, right])} />;
            })}
          </div>
        </div>
      ))}
    </div>
  );
}

/** So many rights are said one by one in a cell; more are counted, and stand below the row. */
const FEW = 4;

export function RightsSaid({ rights }: { rights: readonly string[] }) {
  const t = useTranslate();
  const bundle = bundleOf(rights);
  if (bundle === null && rights.length > 0 && rights.length <= FEW) return <code translate="no">{byResource(rights).map(([resource, actions]) => `${resource}: ${actions.join(", ")}`).join("; ")}</code>;
  return <>{bundle === null ? t("robots.rights.custom", { count: rights.length }) : t(`robots.bundle.${bundle}`)}</>;
}

export function RightsList({ rights }: { rights: readonly string[] }) {
  return <ul>{byResource(rights).map(([resource, actions]) => <li key={resource}><code translate="no">{resource}</code>: {actions.join(", ")}</li>)}</ul>;
}

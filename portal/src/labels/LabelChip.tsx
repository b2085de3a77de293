// A label as it looks everywhere: a dot in its colour, and its name as text.
import type { Label } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { Name } from "../kit/values.tsx";
import classes from "./labels.module.css";

export function LabelChip({ label, onRemove }: { label: Label; onRemove?: (() => void) | undefined }) {
  const t = useTranslate();
  const name = label.name ?? "";
  return (
    <Chip title={name} {...(onRemove ? { remove: t("labels.take", { name }), onRemove } : {})}>
      <LabelDot color={label.color} /> <Name>{name}</Name>
    </Chip>
  );
}

export function LabelDot({ color, shown = true }: { color: string | null | undefined; shown?: boolean }) {
  return shown ? <span className={classes["dot"]} style={{ background: color || undefined }} aria-hidden /> : null;
}

// A short state or kind: icon and word, never colour alone.
import type { Icon } from "@tabler/icons-react";
import { IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./kit.module.css";

export type Tone = "plain" | "accent" | "ok" | "warn" | "danger";

/** `remove`: the name of the button that takes it away, as "Remove label stable". */
export function Chip({ children, tone = "plain", icon: Sign, title, remove, onRemove }: {
  children: ReactNode;
  tone?: Tone;
  icon?: Icon;
  title?: string;
  remove?: string;
  onRemove?: () => void;
}) {
  return (
    <span className={classes["chip"]} data-tone={tone} title={title}>
      {Sign && <Sign size={14} stroke={1.5} aria-hidden />}
      <span>{children}</span>
      {onRemove && <button type="button" className={classes["chipRemove"]} aria-label={remove} onClick={onRemove}><IconX size={12} stroke={1.5} aria-hidden /></button>}
    </span>
  );
}

// A label as it looks everywhere: a dot in its colour, and its name as text.
import type { Label } from "../api/schema.ts";
import { Chip } from "../kit/Chip.tsx";
import { Name } from "../kit/show.tsx";
import classes from "./labels.module.css";

export function LabelChip({ label }: { label: Label }) {
  return (
    <Chip>
      <span className={classes["dot"]} style={{ background: label.color || undefined }} aria-hidden /> <Name>{label.name ?? ""}</Name>
    </Chip>
  );
}

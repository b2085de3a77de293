// Things compared by size: a bar for each, with its name and its figure as text.
import type { ReactNode } from "react";
import classes from "./chart.module.css";

export interface Bar {
  key: string;
  name: ReactNode;
  value: number;
  /** Another part, behind the first, hatched; `said` tells both. */
  more?: number;
  /** The figure in words. */
  said: ReactNode;
  /** A limit, drawn as the end of the room; none: no limit. */
  limit?: number;
  /** Not one thing but the rest of them. */
  rest?: boolean;
}

export function Bars({ label, bars }: { label: string; bars: Bar[] }) {
  const most = Math.max(1, ...bars.map((one) => one.value + (one.more ?? 0)));
  const share = (value: number) => `${Math.min(100, (value / most) * 100)}%`;
  return (
    <ul className={classes["bars"]} aria-label={label}>
      {bars.map((one) => (
        <li key={one.key}>
          <span className={classes["barName"]}>{one.name}</span>
          <span className={classes["barTrack"]} aria-hidden>
            {(one.value > 0 || !one.more) && <span className={classes["barFill"]} data-rest={one.rest || undefined} data-near={(one.limit !== undefined && one.limit > 0 && one.value >= one.limit * 0.85) || undefined} style={{ inlineSize: share(one.value) }} />}
            {one.more !== undefined && one.more > 0 && <span className={`${classes["barFill"]} ${classes["barMore"]}`} style={{ inlineSize: share(one.more) }} />}
            {one.limit !== undefined && one.limit <= most && <span className={classes["barLimit"]} style={{ insetInlineStart: share(one.limit) }} />}
          </span>
          <span className={`figures ${classes["barSaid"]}`}>{one.said}</span>
        </li>
      ))}
    </ul>
  );
}

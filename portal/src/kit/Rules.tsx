// Rules one below the other, numbered: what each says, whether it is off, and what can be done with it.
import type { ReactNode } from "react";
import classes from "./rules.module.css";

export function Rules({ rules }: { rules: { key: string | number; off: boolean; body: ReactNode; menu: ReactNode }[] }) {
  return (
    <ol className={classes["rules"]}>
      {rules.map((one) => <li key={one.key} data-off={one.off || undefined}><span className={classes["rule"]}>{one.body}</span>{one.menu}</li>)}
    </ol>
  );
}

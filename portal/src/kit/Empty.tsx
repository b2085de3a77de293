// Why there is nothing, and the one step that changes it.
import type { ReactNode } from "react";
import classes from "./kit.module.css";

export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className={classes["empty"]}>
      <p>{children}</p>
      {action}
    </div>
  );
}

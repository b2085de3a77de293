// Removing something that cannot come back: what depends on it, that it is for good, and its name to be typed.
import type { ComponentProps } from "react";
import { useWords } from "../app/words.ts";
import { Confirm } from "./Confirm.tsx";

export function Final({ children, ...rest }: ComponentProps<typeof Confirm> & { name: string }) {
  const t = useWords();
  return <Confirm {...rest}>{children}<p className="strong">{t("work.undone")}</p></Confirm>;
}

// Removing something that cannot come back: what depends on it, that it is for good, and its name to be typed.
import type { ComponentProps } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { Confirm } from "./Confirm.tsx";

export function Final({ children, ...rest }: ComponentProps<typeof Confirm> & { name: string }) {
  const t = useTranslate();
  return <Confirm {...rest}>{children}<p className="strong">{t("work.undone")}</p></Confirm>;
}

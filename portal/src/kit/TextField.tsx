// The fields of the page for signing in, which loads no others.
import { PasswordInput, TextInput, type TextInputProps } from "@mantine/core";
import type { ComponentProps, ReactNode } from "react";
import { useTranslate } from "../i18n/hooks.ts";

export function useLabel(label: string, optional: boolean | undefined): ReactNode {
  const t = useTranslate();
  return optional ? <>{label} <span className="muted">{t("kit.field.optional")}</span></> : label;
}

export type Common = { label: string; optional?: boolean };

export function TextField({ label, optional, ...rest }: Common & Omit<TextInputProps, "label">) {
  return <TextInput label={useLabel(label, optional)} autoComplete="off" spellCheck={false} {...rest} />;
}

export function PasswordField({ label, optional, ...rest }: Common & Omit<ComponentProps<typeof PasswordInput>, "label">) {
  const t = useTranslate();
  return <PasswordInput label={useLabel(label, optional)} visibilityToggleButtonProps={{ "aria-label": t("kit.field.showPassword"), tabIndex: 0 }} {...rest} />;
}

// Fields of a form: label above, hint and error below; required unless it says "(optional)".
import { Checkbox, NumberInput, PasswordInput, Select, Switch, TextInput, Textarea, type TextInputProps } from "@mantine/core";
import type { ComponentProps, ReactNode } from "react";
import { useWords } from "../app/words.ts";

function useLabel(label: string, optional: boolean | undefined): ReactNode {
  const t = useWords();
  return optional ? <>{label} <span className="muted">{t("kit.field.optional")}</span></> : label;
}

type Common = { label: string; optional?: boolean };

export function TextField({ label, optional, ...rest }: Common & Omit<TextInputProps, "label">) {
  return <TextInput label={useLabel(label, optional)} autoComplete="off" spellCheck={false} {...rest} />;
}

export function PasswordField({ label, optional, ...rest }: Common & Omit<ComponentProps<typeof PasswordInput>, "label">) {
  const t = useWords();
  return <PasswordInput label={useLabel(label, optional)} visibilityToggleButtonProps={{ "aria-label": t("kit.field.showPassword") }} {...rest} />;
}

export function TextArea({ label, optional, ...rest }: Common & Omit<ComponentProps<typeof Textarea>, "label">) {
  return <Textarea label={useLabel(label, optional)} autosize minRows={2} {...rest} />;
}

export function NumberField({ label, optional, ...rest }: Common & Omit<ComponentProps<typeof NumberInput>, "label">) {
  return <NumberInput label={useLabel(label, optional)} hideControls clampBehavior="none" {...rest} />;
}

export function SelectField({ label, optional, ...rest }: Common & Omit<ComponentProps<typeof Select>, "label">) {
  return <Select label={useLabel(label, optional)} allowDeselect={false} {...rest} />;
}

export { Checkbox as CheckField, Switch as SwitchField };

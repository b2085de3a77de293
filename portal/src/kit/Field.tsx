// Fields of a form: label above, hint and error below; required unless it says "(optional)".
import { Checkbox, Select, Switch, Textarea } from "@mantine/core";
import type { ComponentProps } from "react";
import { useLabel, type Common } from "./TextField.tsx";

export function TextArea({ label, optional, ...rest }: Common & Omit<ComponentProps<typeof Textarea>, "label">) {
  return <Textarea label={useLabel(label, optional)} autosize minRows={2} {...rest} />;
}

export function SelectField({ label, optional, ...rest }: Common & Omit<ComponentProps<typeof Select>, "label">) {
  return <Select label={useLabel(label, optional)} allowDeselect={false} {...rest} />;
}

export { Checkbox as CheckField, Switch as SwitchField };
export { NumberField } from "./NumberField.tsx";
export { PasswordField, TextField } from "./TextField.tsx";

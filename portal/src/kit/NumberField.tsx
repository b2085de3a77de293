// Apart from the other fields: what formats a number while it is typed is larger than all of them.
import { NumberInput } from "@mantine/core";
import type { ComponentProps } from "react";
import { useLabel, type Common } from "./TextField.tsx";

export function NumberField({ label, optional, ...rest }: Common & Omit<ComponentProps<typeof NumberInput>, "label">) {
  return <NumberInput label={useLabel(label, optional)} hideControls clampBehavior="none" {...rest} />;
}

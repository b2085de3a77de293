// The menu before the door: loaded once the page stands, since nobody signs in with it.
import { Menu } from "@mantine/core";
import type { ReactNode } from "react";
import { Choices } from "../app/Choices.tsx";

export default function EntryMenu({ opened, children }: { opened: boolean; children: ReactNode }) {
  return (
    <Menu width={200} defaultOpened={opened}>
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown><Choices /></Menu.Dropdown>
    </Menu>
  );
}

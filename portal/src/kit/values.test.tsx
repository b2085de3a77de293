import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { show } from "../../tests/render.tsx";
import { CommandBox } from "./Command.tsx";

test("where nothing may be copied, the command is selected for the keys that copy", async () => {
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: undefined });
  document.execCommand = () => false;
  await show(() => <CommandBox label="Pull" clients={["docker", "podman"]} commands={(client) => [`${client} pull registry.example.com/team/api:v1`]} />);
  fireEvent.click(screen.getByLabelText("Copy command: docker pull registry.example.com/team/api:v1"));
  await waitFor(() => expect(getSelection()?.toString()).toBe("docker pull registry.example.com/team/api:v1"));
});

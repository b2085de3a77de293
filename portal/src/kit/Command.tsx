// Commands to copy, for the client that somebody uses; the choice is kept and shared by all boxes.
import { SegmentedControl } from "@mantine/core";
import { Fragment, useSyncExternalStore } from "react";
import { useTranslate } from "../i18n/hooks.ts";
import { breakable } from "./format.ts";
import { Copy } from "./values.tsx";
import classes from "./kit.module.css";

export type Client = "docker" | "podman" | "nerdctl" | "ctr" | "crictl" | "helm" | "oras" | "curl";

const KEPT = "moorage-client";
const listeners = new Set<() => void>();
let chosen: string | null = null;

/** The client that was chosen last, if it is one of these; else the first of them. */
export function useClient(clients: readonly Client[]): [Client, (client: Client) => void] {
  const now = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => {
      try {
        return chosen ?? localStorage.getItem(KEPT);
      } catch {
        return chosen;
      }
    },
  );
  const client = clients.find((one) => one === now) ?? (clients[0] as Client);
  return [client, (wanted) => {
    chosen = wanted;
    try {
      localStorage.setItem(KEPT, wanted);
    } catch { /* it holds for this page */ }
    listeners.forEach((one) => one());
  }];
}

/** `commands` gives the lines for a client: what is typed, one a line. `label` names the box ("Pull"). */
export function CommandBox({ label, clients, commands, aside }: {
  label: string;
  clients: readonly Client[];
  commands: (client: Client) => string[];
  aside?: React.ReactNode;
}) {
  const t = useTranslate();
  const [client, choose] = useClient(clients);
  const lines = commands(client);
  return (
    <section className={classes["command"]} aria-label={label} data-command>
      <div className={classes["commandHead"]}>
        <SegmentedControl className={classes["clients"] ?? ""} aria-label={t("kit.command.client")} data={[...clients]} value={client} onChange={(value) => choose(value as Client)} />
        <span className="grow" />
        {aside}
        {lines.length > 1 && <Copy text={lines.join("\n")} label={t("kit.command.copyAll")} />}
      </div>
      {lines.map((line) => (
        <div className={classes["commandLine"]} key={line}>
          <code translate="no">{breakable(line).map((part, index) => <Fragment key={index}>{index > 0 && <wbr />}{part}</Fragment>)}</code>
          <Copy text={line} label={t("kit.command.copy", { command: line })} />
        </div>
      ))}
    </section>
  );
}

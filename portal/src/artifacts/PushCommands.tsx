// The commands that push into a project, for the client that somebody uses.
import { useQuery } from "@tanstack/react-query";
import { systemQuery } from "../app/session.tsx";
import { useTranslate } from "../i18n/hooks.ts";
import { CommandBox } from "../kit/Command.tsx";
import { PUSHERS, push } from "./commands.ts";

export function useHost(): string {
  return useQuery(systemQuery).data?.registry_url ?? location.host;
}

/** Whether the page came without TLS, as on a machine that somebody tries it on. */
export const isPlain = (): boolean => location.protocol === "http:";

export function PushCommands({ project, repository }: { project: string; repository?: string }) {
  const t = useTranslate();
  const host = useHost();
  return <CommandBox label={t("artifacts.push.title")} clients={PUSHERS} commands={(client) => push(client, host, project, repository, { isPlain: isPlain() })} />;
}

// What to type to push and pull, for each client. The host is the server's own word for itself.
import type { Client } from "../kit/Command.tsx";

export const PULLERS: readonly Client[] = ["docker", "podman", "nerdctl", "ctr", "crictl", "oras"];
export const PUSHERS: readonly Client[] = ["docker", "podman", "nerdctl", "helm", "oras"];

/** The line that signs a client in; ctr and crictl are given their credentials otherwise. */
function login(client: Client, host: string): string[] {
  if (client === "helm") return [`helm registry login ${host}`];
  if (client === "oras") return [`oras login ${host}`];
  return client === "docker" || client === "podman" || client === "nerdctl" ? [`${client} login ${host}`] : [];
}

/** Pull an artifact: `name` is `host/project/repository`, `reference` starts with `:` or `@`. */
export function pull(client: Client, host: string, name: string, reference: string, { isPublic = false, isChart = false } = {}): string[] {
  const before = isPublic ? [] : login(client, host);
  if (client === "helm" && isChart) return [...before, `helm pull oci://${name} --version ${reference.slice(1)}`];
  if (client === "ctr") return [`ctr images pull${isPublic ? "" : " --user USER"} ${name}${reference}`];
  if (client === "crictl") return [`crictl pull${isPublic ? "" : " --creds USER"} ${name}${reference}`];
  return [...before, `${client} pull ${name}${reference}`];
}

/** Push the first thing into a project. */
export function push(client: Client, host: string, project: string, repository = "REPOSITORY"): string[] {
  const target = `${host}/${project}/${repository}`;
  if (client === "helm") return [...login(client, host), "helm package CHART", `helm push CHART-VERSION.tgz oci://${host}/${project}`];
  if (client === "oras") return [...login(client, host), `oras push ${target}:TAG FILE`];
  return [...login(client, host), `${client} tag IMAGE:TAG ${target}:TAG`, `${client} push ${target}:TAG`];
}

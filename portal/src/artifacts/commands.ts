// What to type to push and pull, for each client. The host is the server's own word for itself.
import type { Client } from "../kit/Command.tsx";

export const PULLERS: readonly Client[] = ["docker", "podman", "nerdctl", "ctr", "crictl", "oras", "curl"];
export const PUSHERS: readonly Client[] = ["docker", "podman", "nerdctl", "ctr", "helm", "oras"];

/** What a client has to be told of a server without TLS; docker and crictl are told by their configuration. */
const PLAIN: Partial<Record<Client, string>> = { podman: " --tls-verify=false", nerdctl: " --insecure-registry", ctr: " --plain-http", helm: " --plain-http", oras: " --plain-http" };

/** What a page knows: whether everybody may pull, and whether the server is reached without TLS. */
export interface Known {
  isPublic?: boolean;
  isPlain?: boolean;
}

/** The clients that can do something with a type of artifacts. */
export function pullersOf(type: string): readonly Client[] {
  if (type === "CHART") return ["helm", "oras", "curl"];
  return type === "IMAGE" ? PULLERS : ["oras", "curl"];
}

/** The line that signs a client in; ctr and crictl are given their credentials otherwise. */
function login(client: Client, host: string, plain: string): string[] {
  if (client === "helm") return [`helm registry login${plain} ${host}`];
  if (client === "nerdctl") return [`nerdctl${plain} login ${host}`];
  return client === "docker" || client === "podman" || client === "oras" ? [`${client} login${plain} ${host}`] : [];
}

/** Pull an artifact: `name` is `host/project/repository`, `reference` starts with `:` or `@`. */
export function pull(client: Client, host: string, name: string, reference: string, { isPublic = false, isPlain = false, isChart = false }: Known & { isChart?: boolean } = {}): string[] {
  const plain = isPlain ? (PLAIN[client] ?? "") : "";
  const before = isPublic ? [] : login(client, host, plain);
  if (client === "helm" && isChart) return [...before, `helm pull${plain} oci://${name} --version ${reference.slice(1)}`];
  if (client === "ctr") return [`ctr images pull${plain}${isPublic ? "" : " --user USER"} ${name}${reference}`];
  if (client === "crictl") return [`crictl pull${isPublic ? "" : " --creds USER"} ${name}${reference}`];
  if (client === "curl") return [`curl --user USER ${isPlain ? "http" : "https"}://${host}/v2${name.slice(host.length)}/manifests/${reference.slice(1)}`]; // without a name it would want a token first
  if (client === "nerdctl") return [...before, `nerdctl${plain} pull ${name}${reference}`];
  return [...before, `${client} pull${plain} ${name}${reference}`];
}

/** Push the first thing into a project. */
export function push(client: Client, host: string, project: string, repository = "REPOSITORY", { isPlain = false }: Known = {}): string[] {
  const target = `${host}/${project}/${repository}`;
  const plain = isPlain ? (PLAIN[client] ?? "") : "";
  const before = login(client, host, plain);
  if (client === "helm") return [...before, "helm package CHART", `helm push${plain} CHART-VERSION.tgz oci://${host}/${project}`];
  if (client === "oras") return [...before, `oras push${plain} ${target}:TAG FILE`];
  if (client === "ctr") return [`ctr images tag IMAGE:TAG ${target}:TAG`, `ctr images push${plain} --user USER ${target}:TAG`];
  if (client === "nerdctl") return [...before, `nerdctl tag IMAGE:TAG ${target}:TAG`, `nerdctl${plain} push ${target}:TAG`];
  return [...before, `${client} tag IMAGE:TAG ${target}:TAG`, `${client} push${plain} ${target}:TAG`];
}

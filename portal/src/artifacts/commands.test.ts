import { expect, test } from "vitest";
import { pull, pullersOf, push } from "./commands.ts";

const HOST = "registry.example.com";
const NAME = `${HOST}/team/backend/api`;

test("a private image is pulled after signing in, a public one at once", () => {
  expect(pull("docker", HOST, NAME, ":v1")).toEqual([`docker login ${HOST}`, `docker pull ${NAME}:v1`]);
  expect(pull("podman", HOST, NAME, "@sha256:ab", { isPublic: true })).toEqual([`podman pull ${NAME}@sha256:ab`]);
  expect(pull("ctr", HOST, NAME, ":v1", { isPublic: true })).toEqual([`ctr images pull ${NAME}:v1`]);
  expect(pull("crictl", HOST, NAME, ":v1")).toEqual([`crictl pull --creds USER ${NAME}:v1`]);
});

test("a chart is pulled by its version", () => expect(pull("helm", HOST, NAME, ":0.1.0", { isPublic: true, isChart: true })).toEqual([`helm pull oci://${NAME} --version 0.1.0`]));

test("each type offers the clients that can do something with it", () => {
  expect(pullersOf("IMAGE")).toContain("crictl");
  expect(pullersOf("CHART")).toEqual(["helm", "oras", "curl"]);
  expect(pullersOf("MODEL")).toEqual(["oras", "curl"]);
});

test("a server without TLS is told to those clients that take it from their arguments", () => {
  const plain = { isPublic: true, isPlain: true };
  expect(pull("docker", HOST, NAME, ":v1", plain)).toEqual([`docker pull ${NAME}:v1`]);
  expect(pull("podman", HOST, NAME, ":v1", plain)).toEqual([`podman pull --tls-verify=false ${NAME}:v1`]);
  expect(pull("nerdctl", HOST, NAME, ":v1", { isPlain: true })).toEqual([`nerdctl --insecure-registry login ${HOST}`, `nerdctl --insecure-registry pull ${NAME}:v1`]);
  expect(pull("helm", HOST, NAME, ":0.1.0", { ...plain, isChart: true })).toEqual([`helm pull --plain-http oci://${NAME} --version 0.1.0`]);
  expect(pull("curl", HOST, NAME, "@sha256:ab", plain)).toEqual([`curl --user USER http://${HOST}/v2/team/backend/api/manifests/sha256:ab`]);
  expect(push("oras", HOST, "team", "a", { isPlain: true })).toEqual([`oras login --plain-http ${HOST}`, `oras push --plain-http ${HOST}/team/a:TAG FILE`]);
  expect(push("ctr", HOST, "team", "a").at(-1)).toBe(`ctr images push --user USER ${HOST}/team/a:TAG`);
});

test("what is pushed first has the project in it, and a repository where one is known", () => {
  expect(push("docker", HOST, "team").at(-1)).toBe(`docker push ${HOST}/team/REPOSITORY:TAG`);
  expect(push("oras", HOST, "team", "a/b").at(-1)).toBe(`oras push ${HOST}/team/a/b:TAG FILE`);
  expect(push("helm", HOST, "team").at(-1)).toBe(`helm push CHART-VERSION.tgz oci://${HOST}/team`);
});

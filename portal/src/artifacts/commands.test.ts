import { expect, test } from "vitest";
import { pull, push } from "./commands.ts";

const HOST = "registry.example.com";
const NAME = `${HOST}/team/backend/api`;

test("a private image is pulled after signing in, a public one at once", () => {
  expect(pull("docker", HOST, NAME, ":v1")).toEqual([`docker login ${HOST}`, `docker pull ${NAME}:v1`]);
  expect(pull("podman", HOST, NAME, "@sha256:ab", { isPublic: true })).toEqual([`podman pull ${NAME}@sha256:ab`]);
  expect(pull("ctr", HOST, NAME, ":v1", { isPublic: true })).toEqual([`ctr images pull ${NAME}:v1`]);
  expect(pull("crictl", HOST, NAME, ":v1")).toEqual([`crictl pull --creds USER ${NAME}:v1`]);
});

test("a chart is pulled by its version", () => expect(pull("helm", HOST, NAME, ":0.1.0", { isPublic: true, isChart: true })).toEqual([`helm pull oci://${NAME} --version 0.1.0`]));

test("what is pushed first has the project in it, and a repository where one is known", () => {
  expect(push("docker", HOST, "team").at(-1)).toBe(`docker push ${HOST}/team/REPOSITORY:TAG`);
  expect(push("oras", HOST, "team", "a/b").at(-1)).toBe(`oras push ${HOST}/team/a/b:TAG FILE`);
  expect(push("helm", HOST, "team").at(-1)).toBe(`helm push CHART-VERSION.tgz oci://${HOST}/team`);
});

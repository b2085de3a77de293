import { expect, test } from "vitest";
import { saidAccessory } from "./accessory.ts";

const t = (key: string, values?: Record<string, string | number>) => `${key.split(".").at(-1)} ${Object.values(values ?? {}).join()}`;

test.each([
  ["signature.cosign", "application/vnd.dev.cosign.artifact.sig.v1+json", "signature cosign"],
  ["subject.accessory", "application/spdx+json", "SBOM · SPDX"],
  ["subject.accessory", "application/vnd.cyclonedx+json", "SBOM · CycloneDX"],
  ["sbom.harbor", "application/vnd.goharbor.harbor.sbom.v1", "SBOM · Harbor"],
  ["subject.accessory", "application/vnd.in-toto+json", "attestation in-toto"],
  ["subject.accessory", "application/vnd.example.thing", "application/vnd.example.thing"],
  ["subject.accessory", "", "subject.accessory"],
])("%s of %s is said as %s", (type, artifact_type, said) => {
  expect(saidAccessory({ type, artifact_type }, t)).toBe(said);
});

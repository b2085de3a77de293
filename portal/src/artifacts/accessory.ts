// What an accessory is, in a word: the contract tells signatures apart, the type that its manifest says of itself the rest.
import type { Accessory } from "../api/schema.ts";
import type { Translate } from "../i18n/translator.ts";

const BILLS: [RegExp, string][] = [[/spdx/, "SPDX"], [/cyclonedx/, "CycloneDX"], [/syft/, "Syft"]];
const BILL_OF_THE_SERVER = "sbom.harbor";

/** "Signature · cosign", "SBOM · SPDX" (a name in every language); of a type that nobody here knows, the type itself. */
export function saidAccessory({ type, artifact_type = "" }: Pick<Accessory, "type" | "artifact_type">, t: Translate): string {
  if (type.startsWith("signature.")) return t("artifacts.accessory.signature", { by: type.slice("signature.".length) });
  const bill = BILLS.find(([form]) => form.test(artifact_type));
  if (bill) return `SBOM · ${bill[1]}`;
  if (type === BILL_OF_THE_SERVER) return "SBOM · Harbor";
  if (artifact_type.includes("in-toto")) return t("artifacts.accessory.attestation", { form: "in-toto" });
  return artifact_type || type;
}

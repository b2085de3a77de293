// Platforms in the one order, four at most; and whether something is signed.
import { Tooltip } from "@mantine/core";
import { IconSignature } from "@tabler/icons-react";
import { useTranslate } from "../i18n/hooks.ts";
import { Chip } from "../kit/Chip.tsx";
import { shortPlatforms } from "../kit/format.ts";

const SHOWN = 4;

export function Platforms({ names }: { names: readonly string[] }) {
  const all = shortPlatforms([...new Set(names)]);
  if (all.length === 0) return <span className="muted">–</span>;
  const rest = all.slice(SHOWN);
  return (
    <span className="row" translate="no">
      {all.slice(0, SHOWN).map((name) => <Chip key={name}>{name}</Chip>)}
      {rest.length > 0 && <Tooltip label={rest.join(", ")}><span tabIndex={0}><Chip>{`+${rest.length}`}</Chip></span></Tooltip>}
    </span>
  );
}

/** `signature.cosign` as "Signed · cosign"; nothing is said to be verified that the server has not verified. */
export function Signed({ own, inherited }: { own: string | null | undefined; inherited: string | null | undefined }) {
  const t = useTranslate();
  if (own) return <Chip tone="ok" icon={IconSignature}>{t("artifacts.signed.by", { kind: own.replace(/^signature\./, "") })}</Chip>;
  if (inherited) return <Chip tone="ok" icon={IconSignature}>{t("artifacts.signed.index")}</Chip>;
  return <span className="muted">{t("artifacts.signed.not")}</span>;
}

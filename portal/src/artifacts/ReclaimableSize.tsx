// What would come back if the chosen artifacts were deleted: all together, for what only they share comes back as well.
import { useQuery } from "@tanstack/react-query";
import { useLanguage, useTranslate } from "../i18n/hooks.ts";
import { bytes } from "../kit/format.ts";
import { measuredQuery, type Path } from "./queries.ts";

const AT_ONCE = 500; // more the server does not measure

export function Measured({ path, digests }: { path: Path; digests: string[] }) {
  const t = useTranslate();
  const language = useLanguage();
  const tooMany = digests.length > AT_ONCE;
  const query = useQuery({ ...measuredQuery(path, digests), enabled: !tooMany });
  const found = tooMany ? undefined : query.data?.together;
  const kept = found ? found.shared_here + found.shared_elsewhere : 0;
  const said = found ? `${t("artifacts.measured", { bytes: bytes(found.own, language) })}${kept > 0 ? ` ${t("artifacts.going.shared", { bytes: bytes(kept, language) })}` : ""}` : query.error || tooMany ? t("artifacts.unmeasured") : t("artifacts.measuring");
  return <span className="muted" role="status">{said}</span>;
}

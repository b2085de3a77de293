// The layers of an image, with the command that made each and who else holds it.
import type { LayerPart } from "../api/schema.ts";
import { useTranslate } from "../i18n/hooks.ts";
import { Empty } from "../kit/Empty.tsx";
import { shortDigest } from "../kit/format.ts";
import { Bytes, Count } from "../kit/values.tsx";
import classes from "../kit/kit.module.css";

export function Layers({ layers }: { layers: LayerPart[] }) {
  const t = useTranslate();
  if (layers.length === 0) return <Empty>{t("artifacts.layers.none")}</Empty>;
  return (
    <div className={classes["scroll"]} role="region" aria-label={t("artifacts.view.layers")} tabIndex={0}>
      <table className={classes["plainTable"]}>
        <caption className="hidden">{t("artifacts.view.layers")}</caption>
        <thead>
          <tr><th scope="col">{t("artifacts.layers.number")}</th><th scope="col">{t("artifacts.column.digest")}</th><th scope="col" data-figure>{t("artifacts.column.size")}</th><th scope="col">{t("artifacts.layers.shared")}</th><th scope="col">{t("artifacts.layers.command")}</th></tr>
        </thead>
        <tbody>
          {layers.map((one, index) => (
            <tr key={`${index} ${one.digest}`}>
              <td className="muted"><Count value={index + 1} /></td>
              <td><code title={one.digest} translate="no">{shortDigest(one.digest)}</code></td>
              <td data-figure><Bytes value={one.size} /></td>
              <td className="muted" title={one.used_by?.repository_names.join(", ")}>{sharing(one, t)}</td>
              <td className={classes["wide"]}><code translate="no">{(one.created_by ?? one.media_type).replace(/^\/bin\/sh -c #\(nop\) */, "").replace(/\s+/g, " ")}</code></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function sharing(layer: LayerPart, t: ReturnType<typeof useTranslate>): string {
  if (layer.used_by === null) return t("artifacts.layers.absent");
  if (layer.used_by.repositories > 0) return t("artifacts.layers.repositories", { count: layer.used_by.repositories });
  return layer.used_by.artifacts > 0 ? t("artifacts.layers.artifacts", { count: layer.used_by.artifacts }) : t("artifacts.layers.own");
}

"""Names of the additions of each kind of artifact: history, values, readme, license, files.

Source: Harbor API v2.0 (`getAddition`).
"""

from collections.abc import Collection, Mapping

from moorage.artifacts import kinds
from moorage.oci import manifest as manifests
from moorage.oci.manifest import Descriptor

HISTORY, VALUES, README, DEPENDENCIES = "build_history", "values.yaml", "readme.md", "dependencies"
LICENSE, FILES = "license", "files"
_ADDITIONS: Mapping[str, tuple[str, ...]] = {
    kinds.IMAGE: (HISTORY,),
    kinds.CHART: (VALUES, README, DEPENDENCIES),
    kinds.CNAI: (README, LICENSE, FILES),
}
_CHART_CONTENT = frozenset({"application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"})
_MODEL_DOCS = frozenset(
    f"application/vnd.{owner}.model.doc.v1.{form}" for owner in ("cncf", "cnai") for form in ("raw", "tar", "tar+gzip")
)
_MODEL_PATHS = ("org.cncf.model.filepath", "org.cnai.model.filepath")
MODEL_NAMES = {README: ("README.md", "README"), LICENSE: ("LICENSE", "LICENSE.txt")}


def additions_of(kind: str, *, has_config: bool, papers: Collection[str] | None = None) -> tuple[str, ...]:
    """The names of what an artifact of this kind has. An index has none: its children do.

    Args:
        papers: those that the manifest of a model names (`papers_of`); None: not known, so all that it may have.
    """
    names = _ADDITIONS.get(kind, ()) if has_config else ()
    return tuple(name for name in names if papers is None or name not in MODEL_NAMES or name in papers)


def papers_of(manifest: bytes, media_type: str) -> frozenset[str]:
    """Which of `readme.md` and `license` the manifest of a model names."""
    layers = manifests.parse(manifest, media_type).layers
    return frozenset(paper for paper in MODEL_NAMES if find_layer(kinds.CNAI, layers, paper) is not None)


def find_layer(kind: str, layers: tuple[Descriptor, ...], addition: str) -> Descriptor | None:
    """The layer of a chart or a model that an addition is read from; None: it has none."""
    if kind == kinds.CHART:
        return next((layer for layer in layers if layer.media_type in _CHART_CONTENT), None)
    names = MODEL_NAMES[addition]
    return next((one for one in layers if one.media_type in _MODEL_DOCS and model_path(one) in names), None)


def model_path(layer: Descriptor) -> str:
    """The path of a file in a model, as its layer's annotations name it; "": they do not."""
    return next((layer.annotations[key] for key in _MODEL_PATHS if layer.annotations.get(key)), "")

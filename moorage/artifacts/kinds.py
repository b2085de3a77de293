"""What an artifact is, in the contract's words: its type, and the type of an accessory. Pure functions.

Source: Harbor API v2.0 (`Artifact.type`, `Accessory.type`), v2.16; cosign's specification of signatures as tags.
"""

import re
from collections.abc import Mapping, Sequence

from moorage.errors import DigestInvalid
from moorage.oci.digest import Digest
from moorage.oci.manifest import Manifest
from moorage.oci.media_types import Kind

IMAGE, CHART, CNAB, WASM, SBOM, CNAI, UNKNOWN = "IMAGE", "CHART", "CNAB", "WASM", "SBOM", "CNAI", "UNKNOWN"

IMAGE_CONFIGS = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.container.image.rootfs.v1+json",
    }
)
COSIGN, NOTATION, NYDUS = "signature.cosign", "signature.notation", "accelerator.nydus"
HARBOR_SBOM, OTHER_ACCESSORY = "sbom.harbor", "subject.accessory"

_KINDS = {
    **dict.fromkeys(IMAGE_CONFIGS, IMAGE),
    "application/vnd.cncf.helm.config.v1+json": CHART,
    "application/vnd.cnab.manifest.v1": CNAB,
    "application/vnd.cnab.config.v1+json": CNAB,
    "application/vnd.wasm.config.v1+json": WASM,
    "application/vnd.wasm.config.v0+json": WASM,
    "application/vnd.goharbor.harbor.sbom.v1": SBOM,
    "application/vnd.cncf.model.config.v1+json": CNAI,
    "application/vnd.cncf.model.manifest.v1+json": CNAI,
}
_DERIVED = re.compile(r"application/vnd\.[^.]+\.(.+)\.config\.[^.]+\+json")
_ACCESSORIES = {
    "application/vnd.dev.cosign.artifact.sig.v1+json": COSIGN,
    "application/vnd.dev.sigstore.bundle.v0.3+json": COSIGN,
    "application/vnd.cncf.notary.signature": NOTATION,
    "application/vnd.goharbor.harbor.sbom.v1": HARBOR_SBOM,
}
_COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
_COSIGN_TAG = re.compile(r"(sha256|sha512)-([0-9a-f]{64}|[0-9a-f]{128})\.sig")
_NYDUS_LAYER = "containerd.io/snapshot/nydus-bootstrap"
_INDEX_TYPE = "org.opencontainers.artifactType"
_MAX_KIND = 64


def shown_media_type(media_type: str, config_media_type: str, annotations: Mapping[str, str] | None) -> str:
    """What the contract calls `media_type`: the config's; of an index what it says of itself, else its own."""
    return config_media_type or (annotations or {}).get(_INDEX_TYPE, "") or media_type


def kind_of(parsed: Manifest) -> str:
    """The contract's `type`: at most 64 characters."""
    if parsed.kind is Kind.INDEX:
        named = parsed.annotations.get(_INDEX_TYPE, "") or parsed.artifact_type
        return _KINDS.get(named) or (_derive(named) if named else IMAGE)
    config = parsed.config.media_type if parsed.config is not None else ""
    return _KINDS.get(config) or _KINDS.get(parsed.artifact_type) or _derive(config)


def _derive(media_type: str) -> str:
    """`X` of `application/vnd.ORG.X.config.VERSION+json`, in capitals."""
    found = _DERIVED.fullmatch(media_type)
    return found[1].upper()[:_MAX_KIND] if found else UNKNOWN


def find_subject(parsed: Manifest, tags: Sequence[str]) -> Digest | None:
    """What this refers to: its `subject`, or, of a signature of cosign's first form, the digest in its tag."""
    if parsed.subject is not None:
        return parsed.subject.digest
    for tag in tags:
        found = _COSIGN_TAG.fullmatch(tag) if tag.endswith(".sig") else None
        if found and parsed.layers and all(layer.media_type == _COSIGN_LAYER for layer in parsed.layers):
            try:
                return Digest.parse(f"{found[1]}:{found[2]}")
            except DigestInvalid:
                return None
    return None


def accessory_kind(parsed: Manifest) -> str:
    """The contract's type of an artifact that refers to another."""
    if parsed.subject is None:
        return COSIGN  # by its tag, see `find_subject`
    config = parsed.config.media_type if parsed.config is not None else ""
    known = _ACCESSORIES.get(parsed.artifact_type) or _ACCESSORIES.get(config)
    if known is not None:
        return known
    if config in IMAGE_CONFIGS and parsed.layers and _NYDUS_LAYER in parsed.layers[-1].annotations:
        return NYDUS
    return OTHER_ACCESSORY

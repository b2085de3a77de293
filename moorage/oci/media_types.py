"""The media types we know and what they mean.

Any other type of blob is stored all the same: only manifests have to be of a type that we can read.
"""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a manifest is: one artifact, or a list of others."""

    MANIFEST = "manifest"
    INDEX = "index"


# -- manifests --------------------------------------------------------------------------------------------

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"

DOCKER_SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"
OCI_ARTIFACT_MANIFEST: Final = "application/vnd.oci.artifact.manifest.v1+json"
"""Of the release candidates of image-spec 1.1; not in the specification that was released."""

MANIFEST_KINDS: Final = {
    OCI_MANIFEST: Kind.MANIFEST,
    OCI_INDEX: Kind.INDEX,
    DOCKER_MANIFEST: Kind.MANIFEST,
    DOCKER_LIST: Kind.INDEX,
}
"""The types of manifest that are accepted."""

DOCKER_MANIFESTS: Final = frozenset({DOCKER_MANIFEST, DOCKER_LIST})
SCHEMA1_MANIFESTS: Final = frozenset({DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED})

# -- configs ----------------------------------------------------------------------------------------------

OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
EMPTY: Final = "application/vnd.oci.empty.v1+json"
"""The blob `{}`: stands where an artifact has no config or no layer. Source: image-spec v1.1 manifest.md."""

DOCKER_PLUGIN_CONFIG: Final = "application/vnd.docker.plugin.v1+json"
HELM_CONFIG: Final = "application/vnd.cncf.helm.config.v1+json"
WASM_CONFIG: Final = "application/vnd.wasm.config.v1+json"
WASM_CONFIG_V0: Final = "application/vnd.wasm.config.v0+json"
CNAB_CONFIG: Final = "application/vnd.cnab.config.v1+json"
CNAI_CONFIG: Final = "application/vnd.cncf.model.config.v1+json"
BUILDKIT_CACHE_CONFIG: Final = "application/vnd.buildkit.cacheconfig.v0"

IMAGE_CONFIGS: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})
WASM_CONFIGS: Final = frozenset({WASM_CONFIG, WASM_CONFIG_V0})

# -- layers -----------------------------------------------------------------------------------------------

OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD: Final = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD: Final = "application/vnd.docker.image.rootfs.diff.tar.zstd"

OCI_FOREIGN_LAYER: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar"
OCI_FOREIGN_LAYER_GZIP: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
OCI_FOREIGN_LAYER_ZSTD: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
DOCKER_FOREIGN_LAYER: Final = "application/vnd.docker.image.rootfs.foreign.diff.tar"
DOCKER_FOREIGN_LAYER_GZIP: Final = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

HELM_CHART: Final = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
HELM_CHART_V0: Final = "application/tar+gzip"
HELM_PROVENANCE: Final = "application/vnd.cncf.helm.chart.provenance.v1.prov"
WASM_LAYER: Final = "application/wasm"
WASM_CONTENT_LAYER: Final = "application/vnd.wasm.content.layer.v1+wasm"
IN_TOTO: Final = "application/vnd.in-toto+json"
DSSE_ENVELOPE: Final = "application/vnd.dsse.envelope.v1+json"
COSIGN_SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"

IMAGE_LAYERS: Final = frozenset(
    {OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD}
)
FOREIGN_LAYERS: Final = frozenset(
    {
        OCI_FOREIGN_LAYER,
        OCI_FOREIGN_LAYER_GZIP,
        OCI_FOREIGN_LAYER_ZSTD,
        DOCKER_FOREIGN_LAYER,
        DOCKER_FOREIGN_LAYER_GZIP,
    }
)
"""Layers that may stay with their publisher (Windows base images): never asked for when a manifest is pushed."""

# -- what accessories are known by ------------------------------------------------------------------------

COSIGN_SIGNATURE: Final = "application/vnd.dev.cosign.artifact.sig.v1+json"
SIGSTORE_BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
NOTATION_SIGNATURE: Final = "application/vnd.cncf.notary.signature"
HARBOR_SBOM: Final = "application/vnd.goharbor.harbor.sbom.v1"
SPDX_SBOM: Final = "application/spdx+json"
CYCLONEDX_SBOM: Final = "application/vnd.cyclonedx+json"

COSIGN_SIGNATURES: Final = frozenset({COSIGN_SIGNATURE, SIGSTORE_BUNDLE})
SIGNATURES: Final = COSIGN_SIGNATURES | {NOTATION_SIGNATURE}

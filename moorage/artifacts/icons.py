"""Icons of the types of artifacts: our own drawings, named by the digest of their bytes as the contract wants it."""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

from moorage.artifacts import kinds

CONTENT_TYPE = "image/svg+xml"

_FRAME = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24" fill="none" '
    'stroke="#3b5b7a" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">{}</svg>'
)
_BOX = '<path d="M4 8l8-4 8 4v8l-8 4-8-4z"/><path d="M4 8l8 4 8-4"/><path d="M12 12v8"/>'
_WHEEL = (
    '<circle cx="12" cy="12" r="8"/><circle cx="12" cy="12" r="2.5"/>'
    '<path d="M12 4v5.500M12 14.500V20M4 12h5.500M14.500 12H20"/>'
)
_BUNDLE = '<path d="M4 10h16v9H4z"/><path d="M4 10l2.500-5h11L20 10"/><path d="M12 5v5"/>'
_MODULE = '<path d="M5 5h4a3 3 0 0 0 6 0h4v14H5z"/><path d="M9 11l1 4 2-3 2 3 1-4"/>'
_PAGE = '<path d="M6 4h8l4 4v12H6z"/><path d="M14 4v4h4"/><path d="M9 12h6M9 15.500h6"/>'
_MODEL = (
    '<circle cx="6" cy="7" r="2"/><circle cx="6" cy="17" r="2"/><circle cx="18" cy="12" r="2"/>'
    '<path d="M8 7.700l8 3.500M8 16.300l8-3.500"/>'
)
_SEAL = '<path d="M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z"/><path d="M9 12l2 2 4-4"/>'
_FLASH = '<path d="M13 3L6 13h5l-1 8 7-10h-5z"/>'
_CLIP = '<path d="M15 7l-6.500 6.500a2 2 0 0 0 3 3L18 10a4 4 0 0 0-6-6L5.500 10.500a6 6 0 0 0 8.500 8.500l6-6"/>'

_DRAWINGS = {
    kinds.IMAGE: _BOX,
    kinds.CHART: _WHEEL,
    kinds.CNAB: _BUNDLE,
    kinds.WASM: _MODULE,
    kinds.SBOM: _PAGE,
    kinds.CNAI: _MODEL,
    kinds.COSIGN: _SEAL,
    kinds.NOTATION: _SEAL,
    kinds.NYDUS: _FLASH,
    kinds.HARBOR_SBOM: _PAGE,
    kinds.OTHER_ACCESSORY: _CLIP,
}
_FILES = {name: _FRAME.format(drawing).encode("ascii") for name, drawing in _DRAWINGS.items()}
_DIGESTS = {name: f"sha256:{sha256(drawn).hexdigest()}" for name, drawn in _FILES.items()}
ICONS: Mapping[str, bytes] = MappingProxyType({_DIGESTS[name]: drawn for name, drawn in _FILES.items()})
"""The drawings by their digests."""


def icon_of(kind: str) -> str:
    """The digest of the icon of a type of artifact or accessory; one that we do not know is drawn as a box."""
    return _DIGESTS.get(kind) or _DIGESTS[kinds.IMAGE]

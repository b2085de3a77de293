"""What images run on: one name and one order for it everywhere. Pure functions.

Source: OCI image-spec v1.1 image-index.md, "Platform Variants".
"""

from collections.abc import Mapping
from typing import Any

import msgspec

_FIRST = (
    "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le", "linux/s390x",
    "linux/riscv64",
)  # fmt: skip
_PLACES = {name: place for place, name in enumerate(_FIRST)}
_USUAL = {"arm64": "v8", "amd64": "v1"}
"""The variant that is meant where none is named."""

_REFERENCE_TYPE = "vnd.docker.reference.type"


class Platform(msgspec.Struct, frozen=True):
    """A platform. `variant` and `os_version` are empty where nothing, or the usual, is said."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @property
    def name(self) -> str:
        """`os/architecture`, with a variant `os/architecture/variant`."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def place(self) -> tuple[int, str, str]:
        """What platforms are ordered by: the usual ones, Windows, all others by their names."""
        last = len(_FIRST) + (self.os != "windows")
        return _PLACES.get(self.name, last), self.name, self.os_version


def read_platform(said: Mapping[str, Any] | None) -> Platform | None:
    """The platform in an entry of an index, or in an image's config; None where it says none.

    Args:
        said: with `os`, `architecture`, `variant` and `os.version`, each of whatever type a stranger wrote.
    """
    texts = [str(value) if isinstance(value := (said or {}).get(key), str) else "" for key in _KEYS]
    os, architecture, variant, os_version = (text[:64] for text in texts)
    if os in {"", "unknown"} or architecture in {"", "unknown"}:
        return None
    return Platform(os, architecture, "" if _USUAL.get(architecture) == variant else variant, os_version)


_KEYS = ("os", "architecture", "variant", "os.version")


def is_attestation(annotations: Mapping[str, str] | None) -> bool:
    """Whether an entry of an index is what a builder says of another one, and nothing that runs."""
    return (annotations or {}).get(_REFERENCE_TYPE) == "attestation-manifest"

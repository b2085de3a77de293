"""buildah: builds images, and pulls and pushes with the same library as podman and skopeo."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from tests.parts.base import Missing
from tests.parts.tool import Tool


class Buildah(Tool):
    """The program on PATH, as root."""

    name = "buildah"

    def find(self) -> str:
        """The version it prints."""
        if os.geteuid() != 0:
            raise Missing("buildah without root needs user namespaces that a test machine may lack (run as root)")
        return super().find()

    def command(self) -> Sequence[str | Path]:
        """The program and the options that keep images and state in a new folder."""
        folder = self.folder / secrets.token_hex(3)
        return (self.program, "--root", folder / "root", "--runroot", folder / "run", "--storage-driver", "vfs")


PART = Buildah

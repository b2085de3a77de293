"""podman: no daemon; everything it keeps lies in one folder."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from tests.parts.base import Missing
from tests.parts.tool import Tool


class Podman(Tool):
    """The program on PATH, as root."""

    name = "podman"

    def find(self) -> str:
        """The version it prints."""
        if os.geteuid() != 0:
            raise Missing("podman without root needs user namespaces that a test machine may lack (run as root)")
        return super().find()

    def command(self) -> Sequence[str | Path]:
        """The program and the options that keep images, locks and state in a new folder, whose name has to be short."""
        folder = self.folder / secrets.token_hex(3)
        return (
            *(self.program, "--root", folder / "root", "--runroot", folder / "run", "--tmpdir", folder / "tmp"),
            *("--storage-driver", "vfs", "--events-backend", "none"),
            # In a container there is neither systemd nor, sometimes, what crun wants of the control groups.
            *("--cgroup-manager", "cgroupfs", "--runtime", "runc"),
        )


PART = Podman

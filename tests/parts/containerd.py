"""containerd on its own, as Kubernetes uses it, with its command `ctr`."""

import os
from pathlib import Path

from tests.parts.base import Missing, Part, Server, find_program, run
from tests.parts.tool import read_version

SETTINGS = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{folder}/containerd.sock"
[ttrpc]
  address = "{folder}/containerd.sock.ttrpc"
"""
"""All it keeps is in one folder; the Kubernetes plug-in, which wants a network, is off."""


class Containerd(Part):
    """One daemon per test process.

    Attributes:
        program: the ctr command.
        address: where the daemon listens.
    """

    name = "containerd"
    program: Path

    def __init__(self) -> None:
        self._server: Server | None = None

    @property
    def address(self) -> Path:
        """Where the daemon listens."""
        return self.folder / "containerd.sock"

    def find(self) -> str:
        """The version of the daemon."""
        version = run(find_program("containerd", mend="apt-get install containerd"), "--version").stdout
        self.program = find_program("ctr", mend="apt-get install containerd")
        if os.geteuid() != 0:
            raise Missing("containerd needs root")
        return read_version(version)

    def start(self) -> None:
        """Start the daemon: under 1 s."""
        settings = self.folder / "config.toml"
        settings.write_text(SETTINGS.format(folder=self.folder))
        self._server = Server(
            [
                find_program("containerd", mend="apt-get install containerd"),
                "--config",
                settings,
                "--log-level",
                "warn",
            ],
            self.folder / "containerd.log",
        )
        self._server.wait(self._answers, what="containerd")

    def stop(self) -> None:
        """Stop it, and give back the mounts it leaves behind."""
        if self._server is not None:
            self._server.stop()
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in sorted((place for place in mounted if place.startswith(f"{self.folder}/")), reverse=True):
            run("umount", "--lazy", place)

    def _answers(self) -> bool:
        return run(self.program, "--address", self.address, "version", check=False).returncode == 0


PART = Containerd

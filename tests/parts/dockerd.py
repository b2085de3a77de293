"""The Docker daemon, apart from any other on this machine: own images, own socket, own configuration.

It gets neither a bridge nor firewall rules, so it leaves nothing behind in the machine's network.
"""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from tests.parts.base import Broken, Missing, Part, Server, find_program, run, wait_until
from tests.parts.tool import read_version


class Dockerd(Part):
    """One daemon per test process, with the containerd that it starts.

    Attributes:
        program: the docker command.
        host: what DOCKER_HOST must be.
    """

    name = "dockerd"
    program: Path

    def __init__(self) -> None:
        self._server: Server | None = None

    @property
    def host(self) -> str:
        """What DOCKER_HOST must be."""
        return f"unix://{self.folder}/docker.sock"

    def find(self) -> str:
        """The version of the daemon, and that of the command where it is another."""
        daemon = read_version(run(find_program("dockerd", mend="apt-get install docker.io"), "--version").stdout)
        self.program = find_program("docker", mend="apt-get install docker.io")
        if os.geteuid() != 0:
            raise Missing("dockerd needs root")
        command = read_version(run(self.program, "--version").stdout)
        return daemon if command == daemon else f"{daemon}, docker {command}"

    def start(self) -> None:
        """Start the daemon: about 1 s."""
        self._settings.write_text("{}")
        self._server = Server(
            [
                *(find_program("dockerd", mend="apt-get install docker.io"), "--host", self.host),
                *("--data-root", self.folder / "data", "--exec-root", self.folder / "exec"),
                *("--pidfile", self.folder / "docker.pid", "--config-file", self._settings),
                *("--bridge", "none", "--iptables=false", "--log-level", "warn"),
            ],
            self.folder / "dockerd.log",
        )
        self._server.wait(self._answers, what="dockerd")

    def stop(self) -> None:
        """Stop it, and give back the mounts it leaves behind, so that its folder can be removed."""
        if self._server is not None:
            self._server.stop()
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in sorted((place for place in mounted if place.startswith(f"{self.folder}/")), reverse=True):
            run("umount", "--lazy", place)

    @property
    def _settings(self) -> Path:
        return self.folder / "daemon.json"

    def configure(self, settings: Mapping[str, object]) -> None:
        """Have the running daemon read other settings: those that it takes without a restart, `registry-mirrors` too.

        Raises:
            Broken: it did not take them.
        """
        if self._server is None:
            raise Broken("dockerd is not started")
        self._settings.write_text(json.dumps(settings))
        os.kill(self._server.pid, signal.SIGHUP)
        mirrors = settings.get("registry-mirrors", [])
        wait_until(lambda: self._mirrors() == mirrors, what="the new settings of dockerd")

    def _mirrors(self) -> object:
        asked = run(self.program, "--host", self.host, "info", "--format", "{{json .RegistryConfig.Mirrors}}")
        return [mirror.rstrip("/") for mirror in json.loads(asked.stdout) or []]

    def _answers(self) -> bool:
        asked = run(self.program, "--host", self.host, "version", check=False, env=os.environ | {"DOCKER_CONFIG": "/"})
        return asked.returncode == 0


PART = Dockerd

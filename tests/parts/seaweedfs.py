"""SeaweedFS: one program that speaks S3, on free ports of 127.0.0.1."""

import hashlib
import json
import secrets
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.parts.base import Missing, Part, Server, free_port, run
from tests.parts.tool import read_version
from tools.build_go_tools import ROOT, cache

LOCK = ROOT / "requirements" / "parts.txt"


class SeaweedFS(Part):
    """One store per test process, with one account that may do everything.

    Attributes:
        endpoint: `http://127.0.0.1:PORT`; buckets are addressed by path.
        access_key: the account's name.
        secret_key: its secret.
    """

    name = "seaweedfs"
    supply = "pypi"
    endpoint = ""
    access_key = "moorage"
    secret_key = "0123456789abcdef"

    def __init__(self) -> None:
        self._server: Server | None = None

    def find(self) -> str:
        """The version of the wheel that tools/install_parts.sh has put into the cache."""
        if not self._program.exists():
            raise Missing("SeaweedFS is not installed (tools/install_parts.sh)")
        return read_version(run(self._program, "version").stdout.removeprefix("version 8000GB"))

    @property
    def _program(self) -> Path:
        return cache() / "wheels" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16] / "bin" / "weed"

    def start(self) -> None:
        """Start master, volume, filer and S3 in one process and wait until a write works: 3 to 5 s."""
        services = ("master", "volume", "filer", "s3")
        ports = {name: free_port() for service in services for name in (f"{service}.port", f"{service}.port.grpc")}
        self.endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        account = {
            "name": self.access_key,
            "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
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
            "volume.max": "20", "master.volumeSizeLimitMB": "256",
            # Services with ports of their own that nobody here needs.
            "s3.port.iceberg": "0", "s3.port.lance": "0", "iam": "false", "webdav": "false",
        }  # fmt: skip
        self._server = Server(
            [self._program, "server", *(f"-{key}={value}" for key, value in {**options, **ports}.items())],
            self.folder / "weed.log",
        )
        self._server.wait(self._takes_writes, what="SeaweedFS", seconds=60)

    def stop(self) -> None:
        """Stop it: what it holds is thrown away, so it is given 2 s."""
        if self._server is not None:
            self._server.stop(seconds=2)

    def make_bucket(self, prefix: str = "t") -> str:
        """A new, empty bucket; its name begins with `prefix`."""
        bucket = f"{prefix}-{secrets.token_hex(8)}"
        # A bucket comes into being with the first object in it; the account may do that.
        obstore.put(self.store(bucket), ".made", b"")
        obstore.delete(self.store(bucket), ".made")
        return bucket

    def store(self, bucket: str) -> S3Store:
        """One bucket, as obstore sees it."""
        return S3Store(
            bucket,
            endpoint=self.endpoint,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            region="us-east-1",
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": "10s"},
            retry_config={"max_retries": 0},
        )

    def _takes_writes(self) -> bool:
        """The port opens before writes work, so a write is the question."""
        try:
            self.make_bucket("ready")
        except BaseError:
            return False
        return True


PART = SeaweedFS

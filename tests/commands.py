"""The `moorage` command: run to its end, refused, or serving; as a process, or inside this one."""

import datetime as dt
import http.client
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from moorage.__main__ import main
from moorage.cli.worker_supervisor import NAME
from tests.parts.base import Server, free_port

ROOT = Path(__file__).resolve().parent.parent
MOORAGE = (sys.executable, "-m", "moorage")
NOBODY = 65534


def clean_environment(**given: str) -> dict[str, str]:
    """The environment of these tests without settings that somebody else left in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
    return {**kept, "PYTHONPATH": str(ROOT), **given}


def run(*words: str | Path, given: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    """One command to its end."""
    return subprocess.run(
        [*MOORAGE, *map(str, words)],
        env=clean_environment(**environment),
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Commands:
    """Runs commands inside this process, which saves the second that a fresh one needs for its imports."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str | Path, given: str = "", **environment: str) -> Done:
        """One command to its end."""
        with self.monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("MOORAGE_")]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.StringIO(given))
            self.capsys.readouterr()
            try:
                status = main([*map(str, words)])
            except SystemExit as end:  # argparse
                status = int(end.code or 0)
            printed = self.capsys.readouterr()
        return Done(status, printed.out, printed.err)


def refuse(*words: str | Path, **environment: str) -> tuple[int, str]:
    """Run a command that has to refuse instead of going on: its exit status, and its one sentence."""
    done = run(*words, **environment)
    lines = [line for line in done.stderr.splitlines() if "warning: this runs as root" not in line]

    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("moorage: ")
    assert done.stdout == ""
    return done.returncode, lines[0]


@dataclass
class Running:
    """A server that is up.

    Attributes:
        banner: the line of JSON that it printed.
    """

    server: Server
    data: Path
    port: int
    banner: dict[str, object] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """Everything that it printed."""
        return self.server.log.read_text()

    def get(self, path: str) -> int:
        """The status of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status

    def list_processes(self) -> list[int]:
        """The pids of the parent and its workers."""
        return [self.server.pid, *(pid for pid in self._list_children() if not is_of_jobs(pid))]

    def find_jobs(self) -> int:
        """The pid of the process that keeps background jobs."""
        (found,) = (pid for pid in self._list_children() if is_of_jobs(pid))
        return found

    def _list_children(self) -> list[int]:
        """Of all its threads: one of them starts background jobs again."""
        files = Path(f"/proc/{self.server.pid}/task").glob("*/children")
        return sorted(int(pid) for file in files for pid in file.read_text().split())


def is_of_jobs(pid: int) -> bool:
    """Whether a process is there for background jobs, and not to answer."""
    return Path(f"/proc/{pid}/comm").read_text().strip() == NAME


@contextmanager
def serving(data: Path, *words: str, **environment: str) -> Iterator[Running]:
    """A server on a free port, stopped at the end."""
    port = free_port()
    log = data.with_name(f"{data.name}-{port}.log")
    kept = ["env", "-i", *(f"{name}={value}" for name, value in clean_environment(**environment).items())]
    command = [*kept, *MOORAGE, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", *words]
    server = Server(command, log)
    try:
        server.wait(lambda: '"event": "ready"' in log.read_text(), what="the banner", seconds=60)
        banner = next(json.loads(line) for line in log.read_text().splitlines() if '"event": "ready"' in line)
        yield Running(server, data, port, banner)
    finally:
        server.stop()


# -- certificates ----


@dataclass
class Certificate:
    """A certificate for 127.0.0.1, and its key, as files."""

    chain: Path
    key: Path


def make_certificate(folder: Path, *, days: int = 90) -> Certificate:
    """Write a self-signed certificate that ends in `days`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry.test")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("registry.test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=200))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    made.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    made.key.chmod(0o600)
    return made

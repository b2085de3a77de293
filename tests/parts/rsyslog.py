"""rsyslog as a receiver of the audit log: octet-counted frames over TCP and TLS, one JSON object a line in a file."""

import datetime as dt
import ipaddress
import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.parts.base import Missing, Part, Server, answers, find_program, free_port, run

_TLS = """
global(defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/cert.pem" defaultNetstreamDriverKeyFile="{folder}/key.pem")
"""
_CONFIG = """
global(workDirectory="{folder}" maxMessageSize="64k")
{global_tls}
module(load="imtcp" MaxSessions="100"{driver})
template(name="Raw" type="string"
  string="%pri% %timestamp:::date-rfc3339% %app-name% %procid% %msgid% %structured-data% %msg%\\n")
ruleset(name="remote") {{ action(type="omfile" file="{folder}/received" template="Raw") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="remote" SupportOctetCountedFraming="on")
"""
_LINE = re.compile(r"(\d+) (\S+) (\S+) (\S+) (\S+) (\[.*?\]) ?(\{.*\})\Z")


class Rsyslog(Part):
    """Two receivers in one folder each, `plain` and `tls`; started and stopped by the tests as often as they like."""

    name = "rsyslog"

    def find(self) -> str:
        """The version of rsyslogd with its module for TLS."""
        program = find_program("rsyslogd", mend="tools/install_parts.sh")
        if not list(Path("/usr/lib").glob("*/rsyslog/lmnsd_ossl.so")):
            raise Missing("rsyslog has no TLS module (tools/install_parts.sh)")
        found = re.search(r"\d+\.\d+\S*", run(program, "-v").stdout)
        return found[0].rstrip(",") if found else "unknown"

    def start(self) -> None:
        """Make folders, a certificate and configurations; nothing runs yet."""
        self.plain = Receiver(self.folder / "plain", tls=False)
        self.tls = Receiver(self.folder / "tls", tls=True)

    def stop(self) -> None:
        """Stop what still runs."""
        for receiver in (self.plain, self.tls):
            receiver.stop()


class Receiver:
    """One rsyslogd on a port of its own.

    Attributes:
        ca: the certificate (PEM) that its own comes from; "" without TLS.
    """

    def __init__(self, folder: Path, *, tls: bool) -> None:
        folder.mkdir()
        self._folder = folder
        self._server: Server | None = None
        self.port = free_port()
        self.ca = _make_certificate(folder) if tls else ""
        driver = ' StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"' if tls else ""
        global_tls = _TLS.format(folder=folder) if tls else ""
        text = _CONFIG.format(folder=folder, port=self.port, driver=driver, global_tls=global_tls)
        (folder / "rsyslog.conf").write_text(text)

    @property
    def endpoint(self) -> str:
        """`HOST:PORT`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin") or "rsyslogd"
        self._server = Server(
            [program, "-n", "-f", self._folder / "rsyslog.conf", "-i", self._folder / "pid"], self._folder / "log"
        )
        self._server.wait(lambda: answers(self.port), what="rsyslog")

    def stop(self) -> None:
        """Stop it in order."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def kill(self) -> None:
        """End it at once, whatever it has in its hands."""
        if self._server is not None:
            os.kill(self._server.pid, signal.SIGKILL)
            self._server.stop()
            self._server = None

    def received(self) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """What it wrote down: the parts of the header, and the JSON object of each message."""
        path = self._folder / "received"
        rows = []
        for line in path.read_text().splitlines() if path.exists() else ():
            found = _LINE.match(line)
            if found is not None:
                names = ("pri", "timestamp", "app", "pid", "msgid", "data")
                rows.append((dict(zip(names, found.groups()[:6], strict=True)), json.loads(found[7])))
            elif line.strip():
                rows.append(({"raw": line}, {}))
        return rows


def _make_certificate(folder: Path) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.pem").write_bytes(pem)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem.decode()


PART = Rsyslog

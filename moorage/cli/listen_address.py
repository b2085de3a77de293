"""Check the port and the certificate before the server starts."""

import contextlib
import errno
import socket
import time
from dataclasses import dataclass

from moorage.cli.exit_status import UNFIT, Stop
from moorage.settings import Settings
from moorage.system.doctor import find_certificate_problem


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server listens.

    Attributes:
        host: an IP address.
        port: the real one, also when 0 was asked for.
        keeper: keeps the port for this process while workers come and go; nothing connects to it.
    """

    host: str
    port: int
    keeper: socket.socket

    @property
    def authority(self) -> str:
        """`HOST:PORT` for a client on this machine."""
        return _join(self._near, self.port)

    @property
    def bound(self) -> str:
        """`HOST:PORT` as the setting `listen` has it."""
        return _join(self.host, self.port)

    @property
    def _near(self) -> str:
        """The address that a client on this machine connects to."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - shown, not bound

    def await_connections(self, seconds: float = 10.0) -> None:
        """Wait until connections are taken, at most so long: a worker that is up begins to listen a moment later."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection((self._near, self.port), timeout=1):
                return
            time.sleep(0.01)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return self.host == "::1" or self.host.startswith("127.")


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reserve(settings: Settings) -> Place:
    """Take the port.

    Workers bind it again with SO_REUSEPORT, which two servers of one account could do to each other unnoticed.
    So this binds without it, which fails while another server has the port, and allows it on the bound socket only
    then. SO_REUSEADDR is for connections of an earlier server that are still closing.

    Raises:
        Stop: another process listens there, or the address is not ours.
    """
    host, port = settings.address
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        reason = f"the host {host} is unknown ({error.strerror})"
        raise Stop(f"Cannot listen on {settings.listen}: {reason}.", UNFIT) from None
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    keeper = socket.socket(family, kind, protocol)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        keeper.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        keeper.bind(address)
    except OSError as error:
        keeper.close()
        why = {
            errno.EADDRINUSE: "another process listens there",
            errno.EACCES: "ports below 1024 are for root",
            errno.EADDRNOTAVAIL: "this machine does not have that address",
        }.get(error.errno or 0, error.strerror)
        raise Stop(f"Cannot listen on {settings.listen}: {why}.", UNFIT) from error
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound = keeper.getsockname()
    return Place(bound[0], bound[1], keeper)


def check_certificate(certificate: str, key: str) -> None:
    """See that certificate and key can be read and belong together.

    Raises:
        Stop: they cannot be used; the message names the file.
    """
    problem = find_certificate_problem(certificate, key)
    if problem:
        raise Stop(problem, UNFIT)

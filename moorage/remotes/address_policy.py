"""Decide which IP addresses an outgoing request may go to; no I/O.

Two levels of trust. What a system administrator configures (an OpenID provider, a registry, a scanner) may be in a
private network, which is normal on one's own machines. What a project's administrator configures (a webhook) may go to
the public internet only, and to the networks that the operator lists. Nobody reaches what is no host at all, and the
services by which a cloud gives its machines their credentials.

Source: IANA special-purpose address registries; RFC 6890, RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
"""

import re
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

from moorage.errors import TargetRefused

By = Literal["system", "project"]
"""Whose wish a request is: a system administrator's, or a project's."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_CHARACTERS = 4096

_METADATA = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
"""Credential services of clouds that are not link-local."""
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")
_6TO4 = IPv6Network("2002::/16")
_SHARED = IPv4Network("100.64.0.0/10")

_OTHER_PROTOCOLS = frozenset(
    (1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111,
     113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530, 531, 532,
     540, 548, 554, 556, 563, 587, 601, 636, 873, 989, 990, 993, 995, 1433, 1521, 1719, 1720, 1723, 2049, 2379, 2380,
     3306, 3389, 3659, 4045, 5060, 5061, 5432, 5672, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 9042, 10080,
     11211, 27017)
)  # fmt: skip
"""Ports of services that are no web servers; some understand enough of an HTTP request to be harmed by it."""

_UNSAFE = re.compile(r"[^!-~]|\\")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?")


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was read once: what is connected to and what is sent come from here and nowhere else.

    Attributes:
        host: in lower case; an IPv6 address without its brackets.
        path: path and query, as they go into the request line.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What has to stay the same for credentials to go along."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host and port, as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.written_port is None else f"{host}:{self.port}"

    @property
    def written_port(self) -> int | None:
        """The port, where it is not the scheme's own."""
        return None if self.port == {"http": 80, "https": 443}[self.scheme] else self.port

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


@lru_cache(maxsize=256)  # of one request the same address is read three times
def parse_target(url: str) -> Target:
    """Read a URL, strictly: `http` or `https`, a host, no user in it, ASCII without blanks and backslashes.

    Raises:
        TargetRefused: it is not one of those.
    """
    if len(url) > MAX_URL_CHARACTERS or _UNSAFE.search(url):
        raise TargetRefused("The URL is too long, or has characters that a URL cannot have; write names as xn--….")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").lower()
    except ValueError:
        raise TargetRefused("The URL is malformed.") from None
    if parts.scheme not in {"http", "https"}:
        raise TargetRefused("The URL does not begin with http:// or https://.")
    if "@" in parts.netloc:
        raise TargetRefused("The URL holds a user name; credentials have a place of their own.")
    if port == 0 or (port is None and parts.netloc.endswith(":")):
        raise TargetRefused("The URL has no valid port.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, _parse_host(host), port or (443 if parts.scheme == "https" else 80), path)


def _parse_host(host: str) -> str:
    """A host in one form: an address as Python writes it, or a name."""
    try:
        if ":" in host:
            return str(IPv6Address(host)) if "%" not in host else _refuse_host()
        if _NUMERIC.fullmatch(
            host.rstrip(".").rpartition(".")[2]
        ):  # an address, also in the forms 127.1 and 0x7f000001
            return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except (ValueError, OSError):
        _refuse_host()
    return host if _NAME.fullmatch(host) else _refuse_host()


def _refuse_host() -> str:
    raise TargetRefused("The URL has no valid host.")


class Guard:
    """Decides about addresses, with the operator's list of networks that projects may reach, too."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed: tuple[Network, ...] = tuple(map(ip_network, allowed))

    def check(self, addresses: Collection[Address], port: int, by: By) -> None:
        """See that all of these addresses of one name may be connected to.

        All of them: a name with a good and a bad one is somebody's attempt, or a mistake.

        Raises:
            TargetRefused: one may not. The message does not tell which, nor whether anything listens there.
        """
        for address in addresses:
            if not self.is_allowed(address, port, by):
                raise TargetRefused

    def is_allowed(self, address: Address, port: int, by: By) -> bool:
        """Whether a request of this trust may go there."""
        real = embedded(address)
        if is_forbidden(address) or is_forbidden(real):
            return False
        if by == "system" or self.is_listed(real) or self.is_listed(address):
            return True
        return not is_private(real) and not is_private(address) and port not in _OTHER_PROTOCOLS

    def is_listed(self, address: Address) -> bool:
        """Whether the operator lists a network with this address."""
        return any(address.version == network.version and address in network for network in self._allowed)

    def is_near(self, addresses: Collection[Address]) -> bool:
        """Whether these are of one's own networks, where no proxy is needed."""
        return all(is_private(embedded(address)) or self.is_listed(embedded(address)) for address in addresses)


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    is_compatible = address in _COMPATIBLE and int(address) > 1
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 or is_compatible else address


def is_forbidden(address: Address) -> bool:
    """Whether nobody may go there: no host, many hosts, the machine's own link, or a cloud's credentials."""
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return True
    return isinstance(address, IPv4Address) and (address.is_reserved or address in _THIS_NETWORK)


def is_private(address: Address) -> bool:
    """Whether it is no address of the public internet."""
    if isinstance(address, IPv6Address):
        return not address.is_global or address.is_site_local or address in _LOCAL_NAT64
    return not address.is_global or address in _SHARED

"""One conversation with a directory: resolve, connect, TLS, bind, search; each step is timed and named.

A caller puts one `asyncio.timeout` around the whole conversation: every wait in here ends with it at once, also the
wait for a directory that took the connection and says nothing more.

Source: RFC 4511 (messages), RFC 4513 (StartTLS, simple bind), RFC 2696 (paged results).
"""

import asyncio
import contextlib
import functools
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from moorage.connection_errors import connect_code
from moorage.errors import Invalid
from moorage.ldap import ber
from moorage.ldap.filters import Filter

BASE, ONE_LEVEL, SUBTREE = 0, 1, 2

SIZE_LIMIT_EXCEEDED, NO_SUCH_OBJECT, INVALID_CREDENTIALS = 4, 32, 49

PORTS: Mapping[str, int] = {"ldap": 389, "ldaps": 636}

_BIND, _BOUND, _UNBIND, _SEARCH, _ENTRY, _DONE, _EXTENDED, _EXTENDED_DONE = (
    0x60, 0x61, 0x42, 0x63, 0x64, 0x65, 0x77, 0x78,
)  # fmt: skip
_START_TLS = "1.3.6.1.4.1.1466.20037"
_PAGED = "1.2.840.113556.1.4.319"
_PAGE_ENTRIES = 500
_MAX_BYTES = 16 * 2**20
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?")

_resolvers = ThreadPoolExecutor(4, thread_name_prefix="ldap-resolve")
"""Of their own: a name server that hangs keeps a thread for half a minute, whatever our deadline says."""


class DirectoryUrlInvalid(Invalid):
    """The address of the directory is invalid: ldap://HOST[:PORT] or ldaps://HOST[:PORT]."""

    reason = "LDAP_URL_INVALID"


class CertificatesInvalid(Invalid):
    """The certificates that the directory's may come from are no PEM."""

    reason = "LDAP_CA_CERTIFICATE_INVALID"


class NotReached(Exception):
    """A step of the conversation did not come to an answer. The text is for an administrator."""


class Refused(Exception):
    """The directory answered, but not with success.

    Attributes:
        code: the number of RFC 4511, appendix A.
        message: what it says beside; may be empty.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"result code {code}" + (f": {message}" if message else ""))
        self.code = code
        self.message = message


class Server(msgspec.Struct, frozen=True):
    """Where a directory listens. `tls`: `ldaps` from the first byte, `start_tls` before the first request, or none."""

    host: str
    port: int
    tls: Literal["ldaps", "start_tls", ""]
    verify: bool = True
    ca_pem: str = ""


class Entry(msgspec.Struct, frozen=True):
    """What a search found. `attributes`: by their names in lower case, without options."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]

    def texts(self, attribute: str) -> list[str]:
        """All values of an attribute that are text."""
        return [value.decode() for value in self.attributes.get(attribute.lower(), ()) if _is_utf8(value)]

    def text(self, attribute: str) -> str:
        """The first value of an attribute, or an empty text."""
        return next(iter(self.texts(attribute)), "")


class Step(msgspec.Struct, frozen=True):
    """One step: `resolve`, `connect`, `tls`, `bind` or `search`. `message`: why it failed, or what was seen."""

    name: str
    ok: bool
    milliseconds: float
    message: str = ""
    reason: str = ""
    """The code of why it failed; "" where none is known."""


_REFUSED = {
    32: "LDAP_BASE_UNKNOWN",
    34: "LDAP_NAME_INVALID",
    48: "LDAP_CREDENTIALS",
    49: "LDAP_CREDENTIALS",
    50: "LDAP_NOT_ALLOWED",
}
"""Codes of results that call for a step of their own. Source: RFC 4511, appendix A."""


class Steps:
    """The steps of a conversation, as far as it has come."""

    def __init__(self) -> None:
        self.taken: list[Step] = []

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step; what is appended to the list it gives becomes its message.

        Raises:
            NotReached: the network or TLS failed in it.
            Refused: the directory said no.
        """
        began = time.monotonic()
        seen: list[str] = []
        ok, message, reason = False, "", ""
        try:
            yield seen
            ok, message = True, ", ".join(seen)
        except Refused as refused:
            message, reason = str(refused), _REFUSED.get(refused.code, "")
            raise
        except (OSError, ber.Malformed, EOFError) as error:
            message, reason = explain(error), connect_code(error)
            raise NotReached(message) from error
        except asyncio.CancelledError:
            message, reason = "no answer in time", "CONNECT_NO_ANSWER"
            raise
        finally:
            self.taken.append(Step(name, ok, round((time.monotonic() - began) * 1000, 1), message, reason))


def explain(error: Exception) -> str:
    """Why a step failed, in words for an administrator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, EOFError | ConnectionResetError | BrokenPipeError):
        return "the directory closed the connection"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def parse_url(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a directory's address.

    Raises:
        DirectoryUrlInvalid: another scheme, no host, or more than scheme, host and port.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise DirectoryUrlInvalid from None
    too_much = parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/")
    if parts.scheme not in PORTS or too_much or port == 0 or _HOST.fullmatch(host) is None or not url.isprintable():
        raise DirectoryUrlInvalid
    return parts.scheme, host, port or PORTS[parts.scheme]


@functools.lru_cache(maxsize=8)
def make_context(ca_pem: str, *, verify: bool) -> ssl.SSLContext:
    """The TLS context for these certificates (PEM; empty: those of the system). Remembered: reading them takes 20 ms.

    Raises:
        CertificatesInvalid: they are no PEM.
    """
    try:
        context = ssl.create_default_context(cadata=ca_pem or None)
    except (ssl.SSLError, ValueError):
        raise CertificatesInvalid from None
    # Python 3.13 asks for extensions that many an internal authority leaves out; the same rule everywhere.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    """An open connection. One request at a time; to be closed, which never waits."""

    def __init__(self, wire: "_Wire", steps: Steps) -> None:
        self._wire = wire
        self._steps = steps
        self._number = 0

    @classmethod
    async def open(cls, server: Server, steps: Steps) -> "Connection":
        """Resolve, connect, and be on TLS where that is asked for.

        Raises:
            NotReached: one of these failed; `steps` says which.
            CertificatesInvalid: as `make_context`.
        """
        context = make_context(server.ca_pem, verify=server.verify) if server.tls else None
        with steps.step("resolve") as seen:
            addresses = await _resolve(server)
            seen.append(" ".join(dict.fromkeys(address[4][0] for address in addresses)))
        with steps.step("connect"):
            wire = await _connect(addresses)
        connection = cls(wire, steps)
        try:
            if context is not None:
                with steps.step("tls"):
                    if server.tls == "start_tls":
                        await connection._start_tls()
                    await wire.secure(context, server.host)
        except BaseException:
            connection.close()
            raise
        return connection

    async def bind(self, dn: str, password: str) -> None:
        """Be the entry `dn` from now on; both empty: be nobody.

        Raises:
            Refused: code 49: wrong.
            NotReached: no answer.
            ValueError: no password for a name. A directory takes that for an anonymous bind and says yes.
        """
        if dn and not password:
            raise ValueError(dn)
        with self._steps.step("bind"):
            credentials = ber.octets(password, 0x80)
            request = ber.sequence(ber.integer(3), ber.octets(dn), credentials, tag=_BIND)
            tag, content, _ = await self._ask(request)
            _require_success(tag, content, _BOUND)

    async def search(
        self, base: str, scope: int, wanted: Filter, attributes: Sequence[str], *, limit: int
    ) -> list[Entry]:
        """Entries that match, at most `limit` of them; in pages, so that the directory's own limit is none of ours.

        References to other directories are left out.

        Raises:
            Refused: the directory will not, or cannot. Code 32: there is no such base.
            NotReached: no answer.
        """
        request = ber.sequence(
            ber.octets(base),
            ber.integer(scope, ber.ENUMERATED),
            ber.integer(0, ber.ENUMERATED),  # aliases are not followed
            ber.integer(0),
            ber.integer(0),
            ber.boolean(False),
            wanted,
            ber.sequence(*(ber.octets(attribute) for attribute in attributes)),
            tag=_SEARCH,
        )
        with self._steps.step("search"):
            found: list[Entry] = []
            cookie = b""
            while True:
                cookie = await self._search_page(request, found, min(_PAGE_ENTRIES, limit - len(found)), cookie)
                if not cookie or len(found) >= limit:
                    return found[:limit]

    async def _search_page(self, request: bytes, found: list[Entry], size: int, cookie: bytes) -> bytes:
        """Append one page to `found`, and return where the next one begins; empty: there is none."""
        page = ber.sequence(ber.integer(size), ber.octets(cookie))
        control = ber.sequence(ber.octets(_PAGED), ber.octets(page))
        tag, content, controls = await self._ask(request, control)
        received = 0
        while tag != _DONE:
            if tag == _ENTRY:
                found.append(_read_entry(content))
                received += len(content)
                if received > _MAX_BYTES:
                    raise ber.Malformed("The directory sends too much.")
            tag, content, controls = await self._next_message()
        try:
            _require_success(tag, content, _DONE)
        except Refused as refused:
            if refused.code == SIZE_LIMIT_EXCEEDED:
                return b""
            raise
        return _read_cookie(controls)

    @property
    def certificate(self) -> bytes:
        """The directory's certificate (DER); empty without TLS."""
        return self._wire.certificate

    def close(self) -> None:
        """Say goodbye and hang up. Safe to repeat."""
        self._wire.send(self._frame(ber.octets(b"", _UNBIND)))
        self._wire.abort()

    async def _start_tls(self) -> None:
        request = ber.sequence(ber.octets(_START_TLS, 0x80), tag=_EXTENDED)
        tag, content, _ = await self._ask(request)
        try:
            _require_success(tag, content, _EXTENDED_DONE)
        except Refused as refused:
            raise ber.Malformed(f"The directory refuses StartTLS: {refused}") from None

    def _frame(self, request: bytes, *controls: bytes) -> bytes:
        self._number += 1
        rest = [ber.sequence(*controls, tag=0xA0)] if controls else []
        return ber.sequence(ber.integer(self._number), request, *rest)

    async def _ask(self, request: bytes, *controls: bytes) -> tuple[int, bytes, bytes]:
        self._wire.send(self._frame(request, *controls))
        return await self._next_message()

    async def _next_message(self) -> tuple[int, bytes, bytes]:
        """The next message that answers the last request: tag and content, and the controls beside."""
        while True:
            parts = list(ber.read_all(await self._wire.message()))
            if len(parts) < 2 or parts[0][0] != ber.INTEGER:
                raise ber.Malformed
            number = ber.read_integer(parts[0][1])
            if number == 0:  # Source: RFC 4511, section 4.4.1, Notice of Disconnection
                _require_success(parts[1][0], parts[1][1], _EXTENDED_DONE)
                raise EOFError
            if number == self._number:
                controls = parts[2][1] if len(parts) > 2 and parts[2][0] == 0xA0 else b""
                return *parts[1], controls


class _Wire(asyncio.Protocol):
    """Bytes of a connection, cut into messages."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._changed = asyncio.Event()
        self._end: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._changed.set()
        if len(self._buffer) > _MAX_BYTES:
            self._end = ber.Malformed("The directory sends too much.")
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end = self._end or exc or EOFError()
        self._changed.set()

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    @property
    def certificate(self) -> bytes:
        secured = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return (secured.getpeercert(binary_form=True) or b"") if secured is not None else b""

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go on over TLS. What came before that in the clear is no answer to what is asked after it."""
        if self._buffer or self._transport is None:
            raise ber.Malformed("The directory sent more before TLS than it may.")
        if self._end is not None:
            raise self._end
        self._transport = await asyncio.get_running_loop().start_tls(
            self._transport, self, context, server_hostname=host.rstrip(".")
        )
        if self._transport is None:
            raise EOFError

    async def message(self) -> bytes:
        """The content of the next message."""
        while True:
            size = self._measure()
            if size is not None and len(self._buffer) >= size:
                _, content, _ = ber.read(bytes(self._buffer[:size]))
                del self._buffer[:size]
                return content
            if self._end is not None:
                raise self._end
            self._changed.clear()
            await self._changed.wait()

    def _measure(self) -> int | None:
        """The bytes of the first message with its head; None: not known yet."""
        head = self._buffer[:6]
        if head and head[0] != ber.SEQUENCE:
            raise ber.Malformed
        if len(head) < 2:
            return None
        if head[1] < 0x80:
            return 2 + head[1]
        count = head[1] & 0x7F
        if not 1 <= count <= 4:
            raise ber.Malformed
        if len(head) < 2 + count:
            return None
        size = int.from_bytes(head[2 : 2 + count], "big")
        if size > _MAX_BYTES:
            raise ber.Malformed("The directory sends too much.")
        return 2 + count + size


Address = tuple[Any, Any, int, str, Any]
"""As `socket.getaddrinfo` gives it."""


async def _resolve(server: Server) -> Sequence[Address]:
    """The addresses of a host. A literal address waits for nobody."""
    try:
        ipaddress.ip_address(server.host.partition("%")[0])
    except ValueError:
        flags = 0
    else:
        flags = socket.AI_NUMERICHOST
    resolve = functools.partial(
        socket.getaddrinfo, server.host, server.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=flags
    )
    if flags:
        return resolve()
    return await asyncio.get_running_loop().run_in_executor(_resolvers, resolve)


async def _connect(addresses: Sequence[Address]) -> _Wire:
    """A connection to the first address that takes one."""
    failure: OSError = ConnectionRefusedError()
    loop = asyncio.get_running_loop()
    for family, kind, protocol, _, address in addresses:
        connecting = socket.socket(family, kind, protocol)
        connecting.setblocking(False)
        try:
            await loop.sock_connect(connecting, address)
            _, wire = await loop.create_connection(_Wire, sock=connecting)
        except OSError as error:
            connecting.close()
            failure = error
        except BaseException:
            connecting.close()
            raise
        else:
            return wire
    raise failure


def _require_success(tag: int, content: bytes, expected: int) -> None:
    """Raise `Refused` unless an LDAPResult says success.

    Source: RFC 4511, section 4.1.9.
    """
    parts = list(ber.read_all(content)) if tag == expected else []
    if len(parts) < 3 or parts[0][0] != ber.ENUMERATED:
        raise ber.Malformed
    code = ber.read_integer(parts[0][1])
    if code != 0:
        message = ber.read_text(parts[2][1])[:300]
        raise Refused(code, "".join(character for character in message if character.isprintable()))


def _read_entry(content: bytes) -> Entry:
    """Source: RFC 4511, section 4.5.2, SearchResultEntry."""
    parts = list(ber.read_all(content))
    if len(parts) != 2:
        raise ber.Malformed
    attributes: dict[str, list[bytes]] = {}
    for _, attribute in ber.read_all(parts[1][1]):
        halves = list(ber.read_all(attribute))
        if len(halves) != 2:
            raise ber.Malformed
        name = ber.read_text(halves[0][1]).partition(";")[0].lower()
        attributes.setdefault(name, []).extend(value for _, value in ber.read_all(halves[1][1]))
    return Entry(ber.read_text(parts[0][1]), attributes)


def _read_cookie(controls: bytes) -> bytes:
    """Where the next page begins. Source: RFC 2696, section 2."""
    for _, control in ber.read_all(controls):
        parts = list(ber.read_all(control))
        if parts and parts[0][1] == _PAGED.encode() and parts[-1][0] == ber.OCTETS:
            _, value, _ = ber.read(parts[-1][1])
            return list(ber.read_all(value))[-1][1]
    return b""


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True

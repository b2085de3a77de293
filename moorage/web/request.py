"""What a handler is given: one request, parsed once."""

import asyncio
import ipaddress
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from moorage.errors import HostInvalid, Invalid, TooLarge, Unprocessable
from moorage.events import Actor

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Scope = dict[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Two of these would mean that two parts of the system could read the request differently.
_SINGLE = frozenset({b"authorization", b"host", b"content-length", b"content-range", b"range", b"content-type"})
_HOSTS_KEPT = 1000
_AHEAD_BYTES = 512 * 1024
_MAX_AHEAD = 16
_LARGE_BYTES = 128 * 1024  # from here on asking ahead gains nothing, and costs memory
_MAX_QUERY_FIELDS = 128  # of which a manifest may use 100 for its tags


class Body:
    """The body of a request, as it arrives.

    Attributes:
        length: the announced length; None when the client did not say.
        broken: the client went away, or sent nothing for too long, before the end.
        received: bytes handed out so far.
    """

    __slots__ = ("_idle_seconds", "_receive", "broken", "ended", "length", "received")

    def __init__(self, receive: Receive, length: int | None, idle_seconds: float) -> None:
        self._receive = receive
        self._idle_seconds = idle_seconds
        self.length = length
        self.broken = False
        self.ended = False
        self.received = 0

    def pieces(self) -> AsyncIterator[bytes]:
        """The pieces in the server's own sizes, until the end or until it breaks: for bytes whose digest is told.

        About 400 KiB from a fast client, and the client's own chunks where it sends in chunked coding. Those are asked
        for before they are wanted while they are small, up to half a MiB: the way from the server's thread to the loop
        takes longer than what is done with them, and is taken once for several (docs/adr/0084).

        Ends without an exception when the client goes away: what has arrived is worth keeping. Ask `broken`.
        """
        return self._pieces(_AHEAD_BYTES if self.length is None else 0)

    async def _pieces(self, ahead_bytes: int) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        coming: deque[Awaitable[dict[str, Any]]] = deque()
        largest = 0
        try:
            async with asyncio.timeout(self._idle_seconds) as patience:
                while not self.ended:
                    asked = coming.popleft() if coming else self._receive()
                    message = await asked
                    if message["type"] != "http.request":
                        self.broken = True
                        return
                    if not message.get("more_body", False):
                        self.ended = True
                    piece = message.get("body", b"")
                    if piece:
                        self.received += len(piece)
                        if self.received == self.length:
                            self.ended = True  # to be told so would take the way to the server's thread once more
                        largest = max(largest, len(piece))
                        # Only a future is on its way before it is awaited. Those of the server come in order.
                        if ahead_bytes and largest < _LARGE_BYTES and not self.ended and asyncio.isfuture(asked):
                            for _ in range(len(coming), min(_MAX_AHEAD, ahead_bytes // largest)):
                                coming.append(self._receive())
                        patience.reschedule(None)  # the time that the consumer takes is not the client's
                        yield piece
                        patience.reschedule(loop.time() + self._idle_seconds)
        except TimeoutError:
            self.broken = True
            return
        finally:
            for one in coming:
                if asyncio.isfuture(one):
                    one.cancel()
        if self.length is not None and self.received < self.length:
            self.broken = True

    async def whole(self, limit: int) -> bytes:
        """The whole body, when it is at most `limit` bytes.

        Raises:
            TooLarge: it is longer; at most one more piece than the limit was read.
            Invalid: the client went away before the end.
        """
        if self.length is not None and self.length > limit:
            raise TooLarge(limit_bytes=limit)
        parts: list[bytes] = []
        async for piece in self._pieces(0):
            parts.append(piece)
            if self.received > limit:
                raise TooLarge(limit_bytes=limit)
        if self.broken:
            msg = "The request ended before its body was complete."
            raise Invalid(msg)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Request:
    """One request.

    Attributes:
        method: `GET`, …
        path: as sent, still percent-encoded, without the query.
        headers: by lower-case name; where a name came twice, the last. Names of which two would be dangerous are
            refused before a handler sees them.
        address: the client's address, behind trusted proxies that of the first untrusted hop.
        scheme: `http` or `https`, as the client sees it.
        request_id: echoed or made.
        host: the host that the client asked, `NAME` or `NAME:PORT`, as it wrote it.
        mirror: the project that the request means without naming it; empty: it names its project itself.
        principal: whom the request turned out to come from; for the log.
    """

    __slots__ = (
        "_body", "_query", "actor", "address", "headers", "host", "method", "mirror", "origin", "path", "principal",
        "query_string", "receive", "request_id", "route", "scheme", "scope",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, request_id: str, headers: dict[bytes, bytes]) -> None:
        self.scope = scope
        self.receive = receive
        self.request_id = request_id
        self.method: str = scope["method"]
        raw: bytes = scope["raw_path"]
        self.path = raw.partition(b"?")[0].decode("latin-1")
        self.query_string: bytes = scope["query_string"]
        self.headers = headers
        if len(headers) != len(scope["headers"]):
            _refuse_doubles(scope["headers"])
        self.scheme: str = scope["scheme"]
        client = scope.get("client")
        self.address: str = client[0] if client else ""
        self.host = self.mirror = self.origin = ""
        self.principal = ""
        self.route = ""
        self._query: dict[str, list[str]] | None = None
        self._body: Body | None = None

    def header(self, name: bytes) -> str | None:
        """A header's value as text (Latin-1), or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def query(self) -> Mapping[str, list[str]]:
        """The query's fields, each with its values in order; bytes that are no UTF-8 become U+FFFD.

        Raises:
            Invalid: more than 128 fields.
        """
        if self._query is None:
            fields: dict[str, list[str]] = {}
            if self.query_string:
                try:
                    pairs = parse_qsl(
                        self.query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS,
                        encoding="utf-8", errors="replace",
                    )  # fmt: skip
                except ValueError as error:
                    msg = f"The query has too many fields: at most {_MAX_QUERY_FIELDS}."
                    raise Invalid(msg) from error
                for name, value in pairs:
                    fields.setdefault(name, []).append(value)
            self._query = fields
        return self._query

    def field(self, name: str) -> str | None:
        """A query field's value, or None.

        Raises:
            Invalid: it was given twice.
        """
        values = self.query.get(name)
        if not values:
            return None
        if len(values) > 1:
            msg = f"The query field '{name}' was given more than once."
            raise Invalid(msg)
        return values[0]

    def body(self, idle_seconds: float) -> Body:
        """The body; the client may pause for at most `idle_seconds` at a time."""
        if self._body is None:
            self._body = Body(self.receive, self.content_length, idle_seconds)
        return self._body

    @property
    def content_length(self) -> int | None:
        """The announced length; None for a chunked body; 0 when there is neither."""
        if b"transfer-encoding" in self.headers:
            return None
        value = self.headers.get(b"content-length")
        if value is None:
            return 0 if self.scope.get("http_version", "1.1").startswith("1") else None
        if not value.isdigit() or len(value) > 18:
            msg = "Content-Length is not a number."
            raise Invalid(msg)
        return int(value)

    @property
    def is_secure(self) -> bool:
        """Whether the client speaks HTTPS, so that cookies may be bound to it."""
        return self.origin.startswith("https://")

    @property
    def peer(self) -> str:
        """The address of whoever opened the connection: a proxy, or the client itself."""
        client = self.scope.get("client")
        return client[0] if client else ""

    def as_actor(self, principal_id: int | None, name: str, credential: str, token: str = "") -> Actor:
        """Who asks, for rows and events; `token`: the name of their access token."""
        return Actor(principal_id or None, name, credential, self.address, self.request_id, token)


def _refuse_doubles(pairs: list[tuple[bytes, bytes]]) -> None:
    seen: set[bytes] = set()
    for name, _ in pairs:
        if name in _SINGLE and name in seen:
            msg = f"The header '{name.decode('latin-1')}' was sent more than once."
            raise Invalid(msg)
        seen.add(name)


class Hosts:
    """Which hosts this server answers for, and what its URL is in the eyes of a client."""

    def __init__(
        self, external_url: str, allowed: tuple[str, ...], trusted_proxies: tuple[str, ...], *, port: int = 0
    ) -> None:
        """Remember the settings.

        Args:
            external_url: as in the settings.
            allowed: names beside that of `external_url`.
            trusted_proxies: addresses and networks.
            port: where the server listens; 0: not known.
        """
        self._external = external_url.rstrip("/")
        scheme, _, rest = self._external.partition("://")
        self._main = split_host(rest.partition("/")[0]) if rest else ("", str(port))
        if rest and not self._main[1]:
            self._main = (self._main[0], "443" if scheme == "https" else "80")
        self._own = {name.lower() for name in allowed} | ({self._main[0]} if rest else set())
        self._learned: frozenset[str] = frozenset()
        self._names = self._own | {"localhost"}
        self._networks = tuple(ipaddress.ip_network(text, strict=False) for text in trusted_proxies)
        self._known: dict[bytes, str] = {}

    def settle(self, request: Request) -> None:
        """Set the request's origin (scheme and host as the client sees them), scheme and address.

        Raises:
            HostInvalid: there is no Host, or one that is neither an IP address nor a name we answer for.
        """
        headers = request.headers
        host = headers.get(b"host", b"")
        if self._networks and self.is_proxy(request.address):
            forwarded = headers.get(b"x-forwarded-for")
            if forwarded:
                request.address = self._first_untrusted(forwarded.decode("latin-1"))
            scheme = headers.get(b"x-forwarded-proto")
            if scheme in {b"http", b"https"}:
                request.scheme = scheme.decode("ascii")
            host = headers.get(b"x-forwarded-host", host)
        text = self._known.get(host)
        if text is None:
            text = self._check(host)
        request.host = text
        request.origin = self._external or f"{request.scheme}://{text}"

    def learn(self, names: Iterable[str]) -> None:
        """Answer for these, too, from now on; no longer for those that were learned before."""
        self._learned = frozenset(names)
        self._known.clear()

    def is_own(self, name: str, request: Request) -> bool:
        """Whether `NAME` or `NAME:PORT` is this server: what the client asked, `external_url`, or an allowed host."""
        return name.lower() == request.host.lower() or split_host(name)[0] in self._own

    def is_main(self, name: str, request: Request) -> bool:
        """Whether `NAME`, `NAME:PORT` or `:PORT` is where clients without a mirror find this server.

        That is `external_url` or the port where it listens, and where whoever asks found it just now.
        """
        for host, port in (self._main, split_host(request.host)):
            named = split_host(name) if not name.startswith(":") else (host, name[1:])
            if named[0] == host and named[1] in {"", port} and name:
                return True
        return False

    def _check(self, host: bytes) -> str:
        text = host.decode("latin-1")
        name = split_host(text)[0]
        if not name or (name not in self._names and name not in self._learned and not _is_address(name)):
            raise HostInvalid(
                "This server does not answer for that host; an administrator can add it to `allowed_hosts` "
                "or set `external_url`.",
                host=text[:255],
            )
        if len(self._known) < _HOSTS_KEPT:
            self._known[host] = text
        return text

    def is_proxy(self, address: str) -> bool:
        """Whether this address is one of `trusted_proxies`."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def _first_untrusted(self, forwarded: str) -> str:
        hops = [hop.strip() for hop in forwarded.split(",")]
        for hop in reversed(hops):
            if not self.is_proxy(hop):
                return hop[:64]
        return hops[0][:64]


def split_host(host: str) -> tuple[str, str]:
    """The name of a host, in lower case and without brackets, and its port; both empty when the text is no host."""
    if len(host) > 255 or not host.isascii():
        return "", ""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        if not bracket or (port and not (port[0] == ":" and port[1:].isdigit())):
            return "", ""
        return name.lower(), port[1:]
    name, colon, port = host.partition(":")
    if colon and not port.isdigit():
        return "", ""
    if not all(character.isalnum() or character in "-._" for character in name):
        return "", ""
    return name.lower(), port


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def whole_number(text: str, *, limit: int, problem: type[Invalid] | type[Unprocessable]) -> int:
    """A decimal number of at most 30 digits, cut down to `limit`.

    Raises:
        problem: it is no such number.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 30:
        raise problem(value=text[:60])
    return min(int(text), limit)

"""The one guarded outgoing HTTP client.

A name is resolved where the connection is made, its addresses are checked there, and the connection goes to one of
exactly those: a name that changes its mind between check and connect changes nothing. The same happens at every
redirect, because every request to another host is another connection. Credentials go to the host they were given for
and to no other, and never from HTTPS to HTTP. Everything has an end: headers, bytes, redirects, time.

A `Session` keeps its connections for the requests of one job; sessions share none, so what a system administrator may
reach is never lent to a project.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import httpcore
import msgspec

from moorage.connection_errors import connect_detail
from moorage.errors import RemoteMisbehaved, RemoteUnavailable, TargetRefused
from moorage.remotes.address_policy import Address, By, Guard, Target, parse_target
from moorage.remotes.connection_pool import KEPT_SECONDS, MOST, Lines, Place, Reply
from moorage.remotes.transport import READ_BYTES, Wire

log = logging.getLogger("moorage.remotes")

Resolve = Callable[[str, int], Awaitable[list[Address]]]
"""Gives the addresses of a name for a port, the best first; an OSError when there are none."""

MAX_BYTES = 1 << 20
SECONDS = 10.0
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 30.0
MAX_REDIRECTS = 5
USER_AGENT = "moorage"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "upgrade", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that was read whole.

    Attributes:
        headers: by name in lower case; several of one name are joined with a comma.
        url: where it came from in the end.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> Any:  # noqa: ANN401 - whatever the other side sent; the caller looks at its shape
        """The body as JSON.

        Raises:
            RemoteMisbehaved: it is none.
        """
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RemoteMisbehaved("The other system's answer is not JSON.") from None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A reply whose body is read as it comes. `pieces` gives it as it was sent, without decoding."""

    status: int
    headers: Mapping[str, str]
    url: str
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent, and may be sent again elsewhere after a redirect."""

    method: str
    target: Target
    headers: Mapping[str, str]
    credentials: Mapping[str, str] = field(repr=False)
    body: bytes | AsyncIterator[bytes] = b""


async def resolve_name(host: str, port: int) -> list[Address]:
    """The addresses of a name, asked of the system."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


Replied = Reply | httpcore.Response
"""What our own connections and those of the proxy give; they look the same."""

LARGE_BYTES = 4 << 20
"""A body from this length on is worth a connection of its own: see `Session._large_pieces`."""
httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = READ_BYTES  # of a large body 64 KiB at a time cost a third more


class Outgoing:
    """The client of a process: where it may go, and by which way."""

    def __init__(
        self, *, allowed_networks: Iterable[str] = (), proxy: str = "", resolve: Resolve = resolve_name
    ) -> None:
        """Make the client.

        Args:
            allowed_networks: private networks that projects may reach.
            proxy: `http://HOST:PORT` for what is not in one's own networks; the environment's proxies are ignored.
            resolve: for tests.
        """
        self.guard = Guard(tuple(allowed_networks))
        self.proxy = proxy
        self.resolve = resolve

    def session(
        self, by: By, *, verify: bool = True, ca_pem: str = "", granted: Iterable[tuple[str, int]] = ()
    ) -> "Session":
        """A session, to be entered with `async with`.

        Args:
            by: whose wish it is.
            verify: whether certificates are checked; with `granted`, of other hosts they always are.
            ca_pem: authorities in PEM that are trusted beside the system's.
            granted: hosts and ports, as `Target` has them, that a system administrator saved: they are reached as by
                `system`, while a redirect or a realm that leads elsewhere is bound by what `by` may reach.

        Raises:
            TargetRefused: `ca_pem` holds no certificate.
        """
        contexts = {True: _make_context(verify=True, ca_pem=ca_pem), False: _make_context(verify=verify, ca_pem=ca_pem)}
        return Session(self, by, contexts, frozenset(granted))

    async def send(
        self,
        by: By,
        method: str,
        url: str,
        *,
        verify: bool = True,
        ca_pem: str = "",
        **given: Any,  # noqa: ANN401 - as `Session.send`
    ) -> Answer:
        """One request in a session of its own; `given` and what is raised are those of `Session.send`."""
        async with self.session(by, verify=verify, ca_pem=ca_pem) as session:
            return await session.send(method, url, **given)


class Session:
    """Requests of one job, with connections that are kept between them."""

    def __init__(
        self, outgoing: Outgoing, by: By, contexts: Mapping[bool, ssl.SSLContext], granted: frozenset[tuple[str, int]]
    ) -> None:
        """See `Outgoing.session`. `contexts`: what checks certificates (True), and what the session asked for."""
        self._outgoing = outgoing
        self._by = by
        self._contexts = contexts
        self._granted = granted
        self._pools: dict[tuple[bool, bool], Lines | httpcore.AsyncHTTPProxy] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            if isinstance(pool, Lines):
                pool.close()
            else:
                await pool.aclose()

    def _trust(self, host: str, port: int) -> By:
        """Whose wish it is to go to this host."""
        return "system" if (host, port) in self._granted else self._by

    async def _pool(self, target: Target) -> Lines | httpcore.AsyncHTTPProxy:
        """The connections of one way (direct, or by the proxy) and one strictness."""
        strict = bool(self._granted) and (target.host, target.port) not in self._granted
        proxied = bool(self._outgoing.proxy) and not await self._is_near(target)
        pool = self._pools.get((strict, proxied))
        if pool is None:
            context = self._contexts[strict]
            if proxied:
                pool = httpcore.AsyncHTTPProxy(
                    self._outgoing.proxy, ssl_context=context, max_connections=MOST, keepalive_expiry=KEPT_SECONDS
                )
            else:
                pool = Lines(partial(_connect, self._outgoing, self._trust, context))
            self._pools[strict, proxied] = pool
        return pool

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        credentials: Mapping[str, str] | None = None,
        body: bytes = b"",
        max_bytes: int = MAX_BYTES,
        seconds: float = SECONDS,
        redirects: int = MAX_REDIRECTS,
    ) -> Answer:
        """Send a request and read the reply whole.

        Args:
            method: GET, POST, …
            url: where to.
            headers: what may go to whatever host a redirect names.
            credentials: headers that go to the host of `url` only: tokens, secrets. `Authorization` and `Cookie`
                count as such wherever they are given.
            body: the request's body.
            max_bytes: how long the reply's body may be, after decompression.
            seconds: how long all of it may take.
            redirects: how many are followed, 5 at most.

        Raises:
            TargetRefused: the URL, or one that a redirect named, cannot be used or is out of bounds.
            RemoteUnavailable: there is no answer. To a project all reasons look alike, and take the same time.
            RemoteMisbehaved: there is an answer, which is too long, too slow, malformed or runs in circles.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                message = _make_message(method, url, headers, credentials, body)
                async with self._follow(message, redirects, seconds) as (reply, headers_there, target):
                    with self._translated(target):
                        empty = message.method == "HEAD"
                        content = b"" if empty else await _read(reply, headers_there, max_bytes)
                    return Answer(reply.status, headers_there, content, str(target))
        except TimeoutError as error:
            raise self._explain(parse_target(url), error) from error
        except RemoteUnavailable:
            first = parse_target(url)
            if self._trust(first.host, first.port) == "project":
                await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
            raise

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        credentials: Mapping[str, str] | None = None,
        body: bytes | AsyncIterator[bytes] = b"",
        idle_seconds: float = IDLE_SECONDS,
        redirects: int = MAX_REDIRECTS,
    ) -> AsyncIterator[Incoming]:
        """Send a request and read the reply's body as it comes; whoever reads bounds its length.

        Args:
            body: an iterator is sent once: a redirect that asks for it again is an error. Give its Content-Length in
                `headers`, or it is sent in chunks.
            idle_seconds: how long the other side may let wait for the headers, and for each next piece.

        The other arguments, and what is raised, are those of `send`.
        """
        message = _make_message(method, url, headers, credentials, body)
        async with self._follow(message, redirects, idle_seconds) as (reply, told, target):
            length = 0 if message.method == "HEAD" or reply.status not in {200, 206} else _large_length(reply, told)
            pieces = self._large_pieces(reply, target, length, idle_seconds) if length else self._pieces(reply, target)
            yield Incoming(reply.status, told, str(target), pieces)

    async def _pieces(self, reply: Replied, target: Target) -> AsyncIterator[bytes]:
        with self._translated(target):
            async for piece in reply.aiter_stream():
                yield piece

    async def _large_pieces(self, reply: Replied, target: Target, left: int, seconds: float) -> AsyncIterator[bytes]:
        """A body whose length is known, read past the HTTP parser, which would copy each byte four times.

        The first piece comes out of the parser, and all that it has read by then; what follows on the connection is the
        rest of the body. The parser never sees its end, so the connection is closed and not used again.
        """
        with self._translated(target):
            parsed = aiter(reply.aiter_stream())  # held to the end: it closes the connection when it goes
            piece = await anext(parsed, b"")
            left -= len(piece)
            yield piece
            connection = reply.extensions["network_stream"]
            while left > 0:
                piece = await connection.read(READ_BYTES, timeout=seconds)
                if not piece:
                    raise httpcore.RemoteProtocolError(f"the connection ended {left} bytes before the body")
                left -= len(piece)
                yield piece if left >= 0 else piece[:left]
            del parsed

    @contextlib.asynccontextmanager
    async def _follow(
        self, message: _Message, redirects: int, seconds: float
    ) -> AsyncIterator[tuple[Replied, dict[str, str], Target]]:
        """The reply that is no redirect, its headers, and where it came from."""
        left = min(redirects, MAX_REDIRECTS)
        while True:
            with self._translated(message.target):
                reply = await self._send_once(message, seconds)
            try:
                headers = _headers_of(reply)
                location = headers.get("location", "")
                if reply.status not in _REDIRECTS or not location or redirects == 0:
                    yield reply, headers, message.target
                    return
            finally:
                with contextlib.suppress(Exception):
                    await reply.aclose()
            if left == 0:
                raise RemoteMisbehaved("The other system redirects too often.")
            left -= 1
            message = _redirected(message, reply.status, location)

    async def _send_once(self, message: _Message, seconds: float) -> Replied:
        target = message.target
        pool = await self._pool(target)
        headers = {"host": target.netloc, "user-agent": USER_AGENT, "accept-encoding": "identity", **message.headers}
        headers.update(message.credentials)
        if isinstance(message.body, bytes):
            if message.body or message.method not in {"GET", "HEAD", "DELETE", "OPTIONS"}:
                headers["content-length"] = str(len(message.body))
        elif "content-length" not in headers:
            headers["transfer-encoding"] = "chunked"
        connect = min(CONNECT_SECONDS, seconds)
        written = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        if isinstance(pool, Lines):
            return await pool.request(
                message.method, target.origin, target.path, written, message.body,
                connect_seconds=connect, seconds=seconds,
            )  # fmt: skip
        return await pool.handle_async_request(
            httpcore.Request(
                message.method,
                httpcore.URL(scheme=target.scheme, host=target.host, port=target.written_port, target=target.path),
                headers=written,
                content=message.body,
                extensions={"timeout": {"connect": connect, "read": seconds, "write": seconds, "pool": seconds}},
            )
        )

    async def _is_near(self, target: Target) -> bool:
        """Whether to go without the proxy. What cannot be resolved here is for the proxy to judge.

        Raises:
            TargetRefused: the name has an address that may not be reached, by whatever way.
        """
        try:
            addresses = await _find_addresses(self._outgoing.resolve, target.host, target.port)
        except OSError:
            return False
        self._outgoing.guard.check(addresses, target.port, self._trust(target.host, target.port))
        return self._outgoing.guard.is_near(addresses)

    @contextlib.contextmanager
    def _translated(self, target: Target) -> Iterator[None]:
        """Foreign errors become ours here."""
        try:
            yield
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError) as error:
            raise self._explain(target, error) from error
        except (OSError, UnicodeError) as error:
            raise self._explain(target, error) from error

    def _explain(self, target: Target, error: BaseException) -> RemoteUnavailable:
        """The problem, with its reason for a system administrator. A project is told none; the log always is."""
        reason = _reason(error)
        log.warning("no answer from %s://%s: %s", target.scheme, target.netloc, reason)
        if self._trust(target.host, target.port) != "system":
            return RemoteUnavailable()
        return RemoteUnavailable(f"The other system cannot be reached: {reason}.", **connect_detail(error))


# -- connecting -------------------------------------------------------------------------------------------


async def _find_addresses(resolve: Resolve, host: str, port: int) -> list[Address]:
    try:
        return [ip_address(host)]
    except ValueError:
        return await resolve(host, port)


async def _connect(
    outgoing: Outgoing, trust: Callable[[str, int], By], context: ssl.SSLContext, place: Place, seconds: float
) -> Wire:
    """Resolve, check and connect in one place, so that nothing can change in between.

    Connects to the first address that answers, all of them in `seconds`.
    """
    scheme, host, port = place
    until = time.monotonic() + seconds
    try:
        async with asyncio.timeout(seconds):
            addresses = await _find_addresses(outgoing.resolve, host, port)
    except TimeoutError:
        raise httpcore.ConnectTimeout(f"{host} could not be resolved in time") from None
    except OSError as error:
        raise httpcore.ConnectError(f"{host} cannot be resolved: {error.strerror or error}") from error
    outgoing.guard.check(addresses, port, trust(host, port))
    failure: Exception = httpcore.ConnectError(f"{host} has no address")
    for index, address in enumerate(addresses):
        share = (until - time.monotonic()) / (len(addresses) - index)
        try:
            return await Wire.connect(
                str(address), port, seconds=max(share, 0.001), context=context if scheme == "https" else None, name=host
            )
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            failure = error
    raise failure


def _make_context(*, verify: bool, ca_pem: str) -> ssl.SSLContext:
    try:
        return _context(verify, ca_pem)
    except ssl.SSLError:
        raise TargetRefused("The certificate of the authority is not PEM.", which="CA_NOT_PEM") from None


@lru_cache(maxsize=64)
def _context(verify: bool, ca_pem: str) -> ssl.SSLContext:  # noqa: FBT001 - a key of the cache
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


# -- requests and replies ---------------------------------------------------------------------------------


def _make_message(
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    credentials: Mapping[str, str] | None,
    body: bytes | AsyncIterator[bytes],
) -> _Message:
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for given, place in ((headers or {}, plain), (credentials or {}, secret)):
        for name, value in given.items():
            lower = name.lower()
            if not _is_header(lower, value) or (
                lower in _OURS and not (lower == "content-length" and not isinstance(body, bytes))
            ):
                raise TargetRefused("A header of the request cannot be sent.")
            (secret if lower in _CREDENTIALS else place)[lower] = value
    return _Message(method.upper(), parse_target(url), plain, secret, body)


_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t -~\xa0-\xff]*")


def _is_header(name: str, value: str) -> bool:
    """Whether a name and a value cannot break out of their line."""
    return bool(_HEADER_NAME.fullmatch(name)) and bool(_HEADER_VALUE.fullmatch(value))


def _redirected(message: _Message, status: int, location: str) -> _Message:
    """The request that a redirect asks for.

    Source: RFC 9110, section 15.4; Fetch, "HTTP-redirect fetch".
    """
    target = parse_target(urljoin(str(message.target), location))
    if message.target.scheme == "https" and target.scheme == "http":
        raise TargetRefused("The other system redirects from https to http.")
    method, body = message.method, message.body
    if status == 303 or (status in {301, 302} and method == "POST"):
        method, body = ("HEAD" if method == "HEAD" else "GET"), b""
    elif not isinstance(body, bytes):
        raise RemoteMisbehaved("The other system redirects in the middle of an upload.")
    headers = message.headers
    if body != message.body:
        headers = {name: value for name, value in headers.items() if not name.startswith("content-")}
    credentials = message.credentials if target.origin == message.target.origin else {}
    return _Message(method, target, headers, credentials, body)


def _headers_of(reply: Replied) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in reply.headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _large_length(reply: Replied, headers: Mapping[str, str]) -> int:
    """How long a body is, where it is large and nothing but its bytes is sent; else 0."""
    length = headers.get("content-length", "")
    plain = reply.extensions.get("http_version") == b"HTTP/1.1" and "transfer-encoding" not in headers
    return int(length) if plain and length.isdigit() and len(length) < 20 and int(length) >= LARGE_BYTES else 0


async def _read(reply: Replied, headers: Mapping[str, str], max_bytes: int) -> bytes:
    """The whole body, decompressed, never more than `max_bytes` of it."""
    unpack = _unpacking(headers.get("content-encoding", "identity").strip().lower())
    announced = headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > max_bytes:
        raise _too_long(max_bytes)
    body = bytearray()
    async for piece in reply.aiter_stream():
        try:
            body += unpack(piece, max_bytes + 1 - len(body))
        except zlib.error:
            raise RemoteMisbehaved("The other system's answer is not compressed as it says.") from None
        if len(body) > max_bytes:
            raise _too_long(max_bytes)
    return bytes(body)


def _unpacking(encoding: str) -> Callable[[bytes, int], bytes]:
    """What turns a piece into at most so many bytes. We ask for no compression; some servers compress all the same."""
    if encoding == "identity":
        return lambda piece, limit: piece[:limit]
    if encoding in {"gzip", "x-gzip", "deflate"}:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
        return unpacker.decompress
    raise RemoteMisbehaved("The other system's answer is compressed in a way that was not asked for.")


def _too_long(max_bytes: int) -> RemoteMisbehaved:
    return RemoteMisbehaved("The other system's answer is too long.", limit_bytes=max_bytes)


def _reason(error: BaseException) -> str:
    """What went wrong, in one line, for people who may know."""
    cause: BaseException = error
    while cause.args and isinstance(cause.args[0], Exception):  # httpcore wraps what it caught
        cause = cause.args[0]
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    text = str(error)
    if isinstance(cause, OSError) and cause.strerror:
        of_system = (cause.errno or 0) > 0 and not isinstance(cause, ssl.SSLError | socket.gaierror)
        text = os.strerror(cause.errno or 0) if of_system else cause.strerror  # asyncio's own names the address
    return " ".join(text.split())[:200].rstrip(".") or type(error).__name__

"""Connection pool for HTTP/1.1 on h11, with the errors of httpcore.

httpcore's own pool serves the way by a proxy. Who connects, and to which address, is the caller's affair.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import h11
import httpcore

from moorage.remotes.transport import READ_BYTES, Wire

MOST = 32
"""How many connections serve a session at once."""

KEPT_SECONDS = 15.0
MAX_HEAD_BYTES = 100 << 10

Place = tuple[str, str, int]
"""Scheme, host and port."""

Connect = Callable[[Place, float], Awaitable[Wire]]
"""Connects to a place, in so many seconds."""


class Lines:
    """The connections of a session."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._idle: dict[Place, list[tuple[Line, float]]] = {}
        self._busy: set[Line] = set()
        self._room = asyncio.Semaphore(MOST)

    async def request(
        self,
        method: str,
        place: Place,
        target: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes | AsyncIterator[bytes],
        *,
        connect_seconds: float,
        seconds: float,
    ) -> "Reply":
        """Send a request, and read the head of the reply. Close what comes.

        Args:
            method: GET, POST, …
            place: where to.
            target: path and query.
            headers: all of them; a body's length is among them.
            body: the request's body.
            connect_seconds: how long connecting may take.
            seconds: how long each step may take: to get a connection, to write, to read.

        Raises:
            httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError: there is no reply.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._room.acquire()
        except TimeoutError as error:
            raise httpcore.PoolTimeout("all connections are in use") from error
        line: Line | None = None
        try:
            line = self._take(place) or Line(await self._connect(place, connect_seconds))
            self._busy.add(line)
            await line.send(method, target, headers, body, seconds)
            head = await line.read_head(seconds)
        except BaseException:
            self._release(place, line, is_whole=False)
            raise
        return Reply(line, head, seconds, lambda is_whole: self._release(place, line, is_whole=is_whole))

    def _take(self, place: Place) -> "Line | None":
        """The connection that was used last, if one is kept and still good."""
        kept = self._idle.get(place)
        while kept:
            line, until = kept.pop()
            if time.monotonic() < until and not line.wire.is_spent:
                return line
            line.wire.close()
        return None

    def _release(self, place: Place, line: "Line | None", *, is_whole: bool) -> None:
        self._room.release()
        if line is None:
            return
        self._busy.discard(line)
        kept = self._idle.setdefault(place, [])
        if is_whole and len(kept) < MOST and line.renew():
            kept.append((line, time.monotonic() + KEPT_SECONDS))
        else:
            line.wire.close()

    def close(self) -> None:
        """End all of them."""
        for line in [*self._busy, *(line for kept in self._idle.values() for line, _ in kept)]:
            line.wire.close()
        self._idle.clear()


class Line:
    """One connection, with one request at a time."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)

    async def send(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes | AsyncIterator[bytes],
        seconds: float,
    ) -> None:
        """Send a request. What breaks in the middle of a body is seen when the reply is read: there may be one."""
        try:
            head = self._parser.send(h11.Request(method=method, target=target, headers=list(headers))) or b""
            if isinstance(body, bytes):
                rest = (self._parser.send(h11.Data(data=body)) or b"") if body else b""
                await self.wire.write(head + rest + (self._parser.send(h11.EndOfMessage()) or b""), seconds)
                return
            await self.wire.write(head, seconds)
            async for piece in body:
                await self.wire.write(self._parser.send(h11.Data(data=piece)) or b"", seconds)
            await self.wire.write(self._parser.send(h11.EndOfMessage()) or b"", seconds)
        except httpcore.WriteError:
            return
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(error) from error

    async def read_head(self, seconds: float) -> h11.Response:
        """The head of the reply."""
        while True:
            event = await self.next_event(seconds)
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                raise httpcore.RemoteProtocolError("the other side answered with something else than a reply")

    async def next_event(self, seconds: float) -> Any:  # noqa: ANN401 - one of h11's
        """What the parser finds next."""
        while True:
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError as error:
                raise httpcore.RemoteProtocolError(error) from error
            if event is not h11.NEED_DATA:
                return event
            data = await self.wire.read(READ_BYTES, seconds)
            if not data and self._parser.their_state is h11.SEND_RESPONSE:
                raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
            self._parser.receive_data(data)

    def is_at_end(self) -> bool:
        """Whether the reply has no more body, as far as what came tells: that of a HEAD never has one."""
        return isinstance(self._parser.next_event(), h11.EndOfMessage)

    def renew(self) -> bool:
        """Make ready for another request; False: the connection is not good for one."""
        ended = self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE
        if not ended or self._parser.trailing_data[0] or self.wire.is_spent:  # what came unasked answers nobody
            return False
        self._parser.start_next_cycle()
        return True


class Reply:
    """A reply whose body is read as it comes; it has the face of `httpcore.Response`.

    Attributes:
        extensions: `http_version`, and `network_stream` for whoever reads past the parser.
    """

    def __init__(self, line: Line, head: h11.Response, seconds: float, release: Callable[[bool], None]) -> None:
        self.status = head.status_code
        self.headers = head.headers.raw_items()
        self.extensions: dict[str, Any] = {"http_version": b"HTTP/" + head.http_version, "network_stream": line.wire}
        self._line = line
        self._seconds = seconds
        self._release: Callable[[bool], None] | None = release

    async def aiter_stream(self) -> AsyncIterator[bytes]:
        """The pieces of the body. With the last one the connection is free for others."""
        while self._release is not None:
            event = await self._line.next_event(self._seconds)
            if not isinstance(event, h11.Data):
                self._end(is_whole=True)
                return
            yield bytes(event.data)

    async def aclose(self) -> None:
        """Let go of it: of a body that was not read to its end the connection is closed."""
        if self._release is not None:
            is_whole = False
            with contextlib.suppress(h11.RemoteProtocolError):
                is_whole = self._line.is_at_end()
            self._end(is_whole=is_whole)

    def _end(self, *, is_whole: bool) -> None:
        release, self._release = self._release, None
        if release is not None:
            release(is_whole)

"""A proxy between two registries that fails as it is told to: refusals, cut replies, cut bodies, resets.

One request per connection, so that what is counted is what was asked.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

PIECE = 1 << 16
_SETTLE_SECONDS = 10.0


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        status: answer with this at once, and `headers`.
        body_after: reset after so many bytes of the request's body went through.
        settled: of `body_after`: only when the other side has seen the end, and is done with the request.
        reply_after: reset after so many bytes of the reply, its head included, went through.
    """

    status: int = 0
    headers: tuple[str, ...] = ()
    body_after: int | None = None
    reply_after: int | None = None
    settled: bool = False


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    head: str

    def header(self, name: str) -> str:
        """A header of it; "" when it has none."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return ""


Plan = Callable[[Asked, int], Fault | None]
"""Given a request and how many came before it, what goes wrong."""


@dataclass
class Flaky:
    """The proxy. `asked`: every request, in order."""

    upstream: str
    plan: Plan = lambda _asked, _count: None
    host: str = ""
    asked: list[Asked] = field(default_factory=list)
    failed: int = 0
    open: "dict[asyncio.Task[None], asyncio.StreamWriter]" = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def count(self, method: str, part: str = "") -> int:
        """How many requests of this method had `part` in their path."""
        return sum(1 for one in self.asked if one.method == method and part in one.path)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        task = asyncio.current_task()
        if task is not None:
            self.open[task] = writer
            task.add_done_callback(lambda done: self.open.pop(done, None))
        upstream: asyncio.StreamWriter | None = None
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
            head = raw.decode("latin-1")
            method, path, _ = head.split("\r\n")[0].split(" ")
            asked = Asked(method, path, head)
            fault = self.plan(asked, len(self.asked))
            self.asked.append(asked)
            self.failed += fault is not None
            if fault is not None and fault.status:
                await self._refuse(reader, writer, asked, fault)
                return
            name, _, port = self.upstream.partition(":")
            answer, upstream = await asyncio.open_connection(name, int(port))
            lines = [line for line in head.split("\r\n")[:-2] if not line.lower().startswith("connection:")]
            upstream.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
            length = int(asked.header("content-length") or 0)
            limit = None if fault is None else fault.body_after
            if not await _pump(reader, upstream, length if limit is None else min(length, limit)) or limit is not None:
                if fault is not None and fault.settled:
                    upstream.write_eof()
                    await asyncio.wait_for(answer.read(), _SETTLE_SECONDS)
                _reset(writer)
                return
            limit = None if fault is None else fault.reply_after
            await _pump(answer, writer, limit)
            if limit is not None:
                _reset(writer)
        except (OSError, asyncio.IncompleteReadError, ConnectionError):
            _reset(writer)
        finally:
            for one in (writer, upstream):
                if one is not None:
                    with contextlib.suppress(OSError):
                        one.close()

    async def _refuse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Asked, fault: Fault
    ) -> None:
        await _pump(reader, None, int(asked.header("content-length") or 0))
        lines = [f"HTTP/1.1 {fault.status} Told so", "content-length: 0", "connection: close", *fault.headers, "", ""]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None, limit: int | None) -> bool:
    """Move bytes until so many went through, or the end; whether all of them came."""
    left = limit
    while left is None or left > 0:
        piece = await reader.read(PIECE if left is None else min(PIECE, left))
        if not piece:
            return left is None
        if writer is not None:
            writer.write(piece)
            await writer.drain()
        left = None if left is None else left - len(piece)
    return True


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: the other side learns that this was no end."""
    found = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def flaky(upstream: str, plan: Plan | None = None) -> AsyncIterator[Flaky]:
    """A started proxy in front of `HOST:PORT`."""
    proxy = Flaky(upstream)
    if plan is not None:
        proxy.plan = plan
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
        left = dict(proxy.open)
        for writer in left.values():
            writer.transport.abort()
        await asyncio.wait_for(asyncio.gather(*left, return_exceptions=True), 60)
        await asyncio.sleep(0)  # the transports close

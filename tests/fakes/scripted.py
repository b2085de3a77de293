"""A server that answers as a test tells it to, request by request: a registry that lies, or a vendor's API."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Heard:
    """A request that came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def credentials(self) -> str:
        """Its Authorization; "" when it has none."""
        return self.headers.get("authorization", "")


@dataclass(frozen=True)
class Say:
    """A reply. `body`: bytes as they are, anything else as JSON."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[Heard], Say]


@dataclass
class Scripted:
    """The server. `heard`: every request, in order."""

    script: Script
    host: str = ""
    scheme: str = "http"
    heard: list[Heard] = field(default_factory=list)
    open: "dict[asyncio.Task[None], asyncio.StreamWriter]" = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        task = asyncio.current_task()
        if task is not None:
            self.open[task] = writer
            task.add_done_callback(lambda done: self.open.pop(done, None))
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                pairs = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                parts = urlsplit(target)
                heard = Heard(method, parts.path, dict(parse_qsl(parts.query)), headers, body)
                self.heard.append(heard)
                say = self.script(heard)
                content = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
                given = {"content-type": "application/json", "content-length": str(len(content)), **say.headers}
                lines = [f"HTTP/1.1 {say.status} Said", *(f"{name}: {value}" for name, value in given.items()), "", ""]
                writer.write("\r\n".join(lines).encode("latin-1") + (b"" if method == "HEAD" else content))
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def scripted(
    script: Script, address: str = "127.0.0.1", *, context: ssl.SSLContext | None = None
) -> AsyncIterator[Scripted]:
    """A started server; with `context` it speaks TLS."""
    server_of = Scripted(script, scheme="http" if context is None else "https")
    server = await asyncio.start_server(server_of.serve, address, 0, ssl=context)
    server_of.host = f"{address}:{server.sockets[0].getsockname()[1]}"
    try:
        yield server_of
    finally:
        server.close()
        await server.wait_closed()
        left = dict(server_of.open)
        for writer in left.values():
            writer.transport.abort()
        await asyncio.wait_for(asyncio.gather(*left, return_exceptions=True), 60)
        await asyncio.sleep(0)  # the transports close

"""The least that this web server can do: granian and an ASGI application that answers with bytes it has at hand.

What it reaches is the ceiling of every small answer of Moorage: same options, same headers, as many bytes, no work.
"""

import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.bench.load import Target, Wrong
from tests.parts.base import Server, free_port

LABEL = "granian, no work"
_BYTES = 900
_DIGEST = b"sha256:" + b"0" * 64
_HEADERS = [
    (b"content-type", b"application/vnd.oci.image.manifest.v1+json"),
    (b"docker-content-digest", _DIGEST),
    (b"etag", b'"' + _DIGEST + b'"'),
    (b"x-content-type-options", b"nosniff"),
    (b"docker-distribution-api-version", b"registry/2.0"),
    (b"x-request-id", b"0" * 36),
    (b"server", b"moorage"),
    (b"content-length", b"%d" % _BYTES),
]
_BODY = b"x" * _BYTES

_Receive = Callable[[], Awaitable[dict[str, Any]]]
_Send = Callable[[dict[str, Any]], Awaitable[None]]


async def application(scope: dict[str, Any], receive: _Receive, send: _Send) -> None:
    """Answer 200 to everything."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else _BODY})


def start(folder: Path) -> tuple[Server, Target]:
    """Start it with one worker and the options of `moorage serve`."""
    folder.mkdir()
    port = free_port()
    words = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1", "--loop", "uvloop", "--http", "1",
        "--runtime-mode", "st", "--no-ws", "--backlog", "2048", "--backpressure", "8192", "--log-level", "warning",
        "--host", "127.0.0.1", "--port", str(port), "tests.bench.floor:application",
    ]  # fmt: skip
    server = Server(words, folder / "log")

    def is_up() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    server.wait(is_up, what=LABEL)
    if not server.pid:
        raise Wrong(LABEL)
    return server, Target(LABEL, f"127.0.0.1:{port}", pid=server.pid)

"""A TCP or TLS transport on asyncio, with the errors of httpcore.

What anyio does for httpcore beside that (scopes, checkpoints and locks, several for each read) took longer than the
request itself; and what comes is read into a buffer of ours, 256 KiB at a time.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from typing import cast

import httpcore

READ_BYTES = 1 << 18
_FULL_BYTES = 1 << 20
"""How much may wait to be read before the other side is held back."""


class Wire(asyncio.BufferedProtocol):
    """A connection. Used by one reader and one writer at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._space = bytearray(READ_BYTES)
        self._came: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._held = False
        self._ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._is_full = False

    @classmethod
    async def connect(
        cls, address: str, port: int, *, seconds: float, context: ssl.SSLContext | None = None, name: str = ""
    ) -> "Wire":
        """Connect to an address; with `context` by TLS, to a host called `name`.

        Raises:
            httpcore.ConnectTimeout, httpcore.ConnectError: there is no connection.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                if context is None:
                    _, wire = await loop.create_connection(cls, address, port)
                else:
                    context.set_alpn_protocols(["http/1.1"])
                    _, wire = await loop.create_connection(cls, address, port, ssl=context, server_hostname=name)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(error) from error
        except (OSError, ssl.SSLError, ssl.CertificateError) as error:
            raise httpcore.ConnectError(error) from error
        return wire

    # -- what asyncio tells ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_FULL_BYTES)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's own
        """Where the next bytes go."""
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        self._came.append(bytes(memoryview(self._space)[:nbytes]))
        self._waiting_bytes += nbytes
        if self._waiting_bytes >= _FULL_BYTES and not self._held and self._transport is not None:
            self._held = True
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        """The other side sends nothing more."""
        self._ended = True
        _wake(self._reader)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._ended = True
        self._error = exc
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        """The other side does not read as fast as we write."""
        self._is_full = True

    def resume_writing(self) -> None:
        """It does again."""
        self._is_full = False
        _wake(self._writer)

    # -- for whoever uses it --------------------------------------------------------------------------------

    @property
    def is_spent(self) -> bool:
        """Whether it cannot be used for another request: it ended, or bytes came that nobody asked for."""
        return self._ended or bool(self._came)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - as httpcore
        """What came next, at most `READ_BYTES`; nothing at the end.

        Raises:
            httpcore.ReadTimeout, httpcore.ReadError: nothing came in time; the connection broke.
        """
        if not self._came and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._reader
            except TimeoutError as error:
                raise httpcore.ReadTimeout(error) from error
            finally:
                self._reader = None
        if not self._came:
            if self._error is not None:
                raise httpcore.ReadError(self._error) from self._error
            return b""
        piece = self._came.popleft()
        self._waiting_bytes -= len(piece)
        if self._held and self._waiting_bytes < _FULL_BYTES // 2 and self._transport is not None:
            self._held = False
            with contextlib.suppress(RuntimeError):  # it was lost meanwhile
                self._transport.resume_reading()
        return piece

    async def write(self, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as httpcore
        """Send bytes, and wait while too many are on their way.

        Raises:
            httpcore.WriteTimeout, httpcore.WriteError: they were not taken in time; the connection broke.
        """
        if self._transport is None or (self._ended and self._transport.is_closing()):
            raise httpcore.WriteError(self._error or "the connection is closed")
        self._transport.write(data)
        if not self._is_full:
            return
        self._writer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._writer
        except TimeoutError as error:
            raise httpcore.WriteTimeout(error) from error
        finally:
            self._writer = None
        if self._is_full:
            raise httpcore.WriteError(self._error or "the connection broke")

    def close(self) -> None:
        """End the connection; what is on its way may be lost."""
        if self._transport is not None:
            self._transport.abort()


def _wake(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)

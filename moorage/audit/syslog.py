"""The audit log as syslog: messages, frames and the connection to a receiver.

Source: RFC 5424 (messages), RFC 6587 section 3.4.1 (octet counting on TCP), RFC 5425 (TLS).
"""

import asyncio
import contextlib
import fcntl
import json
import os
import re
import socket
import ssl
import struct
import termios
from dataclasses import dataclass

from moorage import __version__
from moorage.audit.service import Entry
from moorage.connection_errors import connect_detail
from moorage.errors import ReceiverUnusable

APP_NAME = "audit"
"""The contract's tag."""

MAX_BYTES = 8_000
"""Of a message: receivers need not take more than 8,192 (RFC 5425, section 4.3.1). Beyond, its details are left out."""

CONNECT_SECONDS = 10.0
SEND_SECONDS = 20.0
_FACILITY = 13  # log audit
_INFORMATIONAL, _WARNING = 6, 4
_ENDPOINT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,253})):(?P<port>[0-9]{1,5})\Z")
_HOSTNAME = re.sub(r"[^!-~]", "", socket.gethostname())[:255] or "-"
_ORIGIN = f'[origin software="moorage" swVersion="{__version__}"]'


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver. `ca`: certificates (PEM) that its own may come from; empty: those of the system."""

    host: str
    port: int
    tls: bool = False
    ca: str = ""


def parse_endpoint(endpoint: str, *, tls: bool = False, ca: str = "") -> Target:
    """Read `HOST:PORT` or `[IPV6]:PORT`.

    Raises:
        ReceiverUnusable: it is neither.
    """
    found = _ENDPOINT.match(endpoint)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise ReceiverUnusable("The syslog receiver is written HOST:PORT.", endpoint=endpoint)
    return Target(found["six"] or found["name"], int(found["port"]), tls, ca)


def format_entry(entry: Entry) -> bytes:
    """The message of an entry: one line of ASCII whose text is a JSON object.

    Non-ASCII and control characters are escaped by JSON, so that no name can end a line or begin a message.

    Shape: {"id", "op_time", "username", "credential", "address", "request_id", "project_id", "operation",
    "resource_type", "resource", "operation_description", "operation_result": bool, "repeats", "detail"}
    """
    moment = f"{entry.at:%Y-%m-%dT%H:%M:%S}.{entry.at.microsecond:06d}Z"
    priority = _FACILITY * 8 + (_INFORMATIONAL if entry.ok else _WARNING)
    name = re.sub(r"[^!-~]", "_", entry.event)[:32] or "-"
    head = f"<{priority}>1 {moment} {_HOSTNAME} {APP_NAME} {os.getpid()} {name} {_ORIGIN} "
    facts = {
        "id": entry.id,
        "op_time": moment,
        "username": entry.username,
        "credential": entry.credential,
        "address": entry.address,
        "request_id": entry.request_id,
        "project_id": entry.project_id,
        "operation": entry.operation,
        "resource_type": entry.resource_type,
        "resource": entry.resource,
        "operation_description": entry.description,
        "operation_result": entry.ok,
        "repeats": entry.repeats,
        "detail": entry.detail,
    }
    text = json.dumps(facts, separators=(",", ":"))
    if len(head) + len(text) > MAX_BYTES:
        facts |= {"resource": entry.resource[:512], "operation_description": "", "detail": {}, "shortened": True}
        text = json.dumps(facts, separators=(",", ":"))
    return (head + text).encode("ascii")


def frame(message: bytes) -> bytes:
    """Frame a message for TCP: its length, a space, the message."""
    return b"%d %b" % (len(message), message)


class Connection:
    """A connection to a receiver, which never answers: all that it can say is that it is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._gone = asyncio.create_task(_read_away(reader))

    @classmethod
    async def open(cls, target: Target) -> "Connection":
        """Connect.

        Raises:
            OSError, TimeoutError: it cannot be reached in 10 s, or its certificate is not good (`ssl.SSLError`).
        """
        context = make_context(target.ca) if target.tls else None
        async with asyncio.timeout(CONNECT_SECONDS):
            return cls(*await asyncio.open_connection(target.host, target.port, ssl=context))

    async def send(self, data: bytes) -> None:
        """Hand bytes over to the kernel.

        Raises:
            OSError, TimeoutError: the connection is gone, or the receiver takes nothing for 20 s.
        """
        self.require_alive()
        self._writer.write(data)
        async with asyncio.timeout(SEND_SECONDS):
            await self._writer.drain()

    def require_alive(self) -> None:
        """Raise ConnectionResetError when the receiver has closed the connection."""
        if self._gone.done():
            raise ConnectionResetError("the receiver closed the connection")

    def has_arrived(self) -> bool:
        """Return whether the receiver's machine has acknowledged all sent bytes."""
        transport = self._writer.transport
        if transport.get_write_buffer_size():
            return False
        sock = self._writer.get_extra_info("socket")
        try:
            (left,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
        except (OSError, AttributeError):
            return True  # a system without that question
        return bool(left == 0)

    async def wait(self, seconds: float) -> None:
        """Wait, but no longer than the connection lives."""
        await asyncio.wait({self._gone}, timeout=seconds)

    async def finish(self, seconds: float) -> bool:
        """End the stream, and wait until the receiver has read all of it and closes, too. False: it did not say so."""
        if not self._writer.can_write_eof():
            return False
        try:
            self._writer.write_eof()
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._gone)
        except (OSError, TimeoutError):
            return False
        return self._gone.exception() is None

    async def close(self) -> None:
        """Let go of it."""
        self._gone.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()


def make_context(ca: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, with the receiver's certificate and name checked."""
    context = ssl.create_default_context(cadata=ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def check_receiver(endpoint: str, *, tls: bool = False, ca: str = "") -> None:
    """Connect once: what is asked before a receiver is saved in the settings.

    Raises:
        ReceiverUnusable: it is not written HOST:PORT, or cannot be reached.
    """
    target = parse_endpoint(endpoint, tls=tls, ca=ca)
    try:
        connection = await Connection.open(target)
    except (OSError, TimeoutError) as error:
        said = f"The syslog receiver cannot be reached: {describe(error)}."
        raise ReceiverUnusable(said, endpoint=endpoint, **connect_detail(error)) from error
    await connection.close()


def describe(error: BaseException) -> str:
    """Describe an error in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {getattr(error, 'verify_message', '') or error.reason or 'failed'}"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__


async def _read_away(reader: asyncio.StreamReader) -> None:
    while await reader.read(4096):
        pass

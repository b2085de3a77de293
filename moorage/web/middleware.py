"""Wrap every request: request id, host check, error boundary, metrics, access log."""

import asyncio
import logging
import os
import re
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from moorage.errors import Problem, StorageFull, StorageUnavailable
from moorage.logs import request_id, with_cause
from moorage.web.metrics import Metrics
from moorage.web.request import Hosts, Receive, Request, Scope, Send
from moorage.web.response import InternalError, Reply, problem_reply

Handler = Callable[[Request], Awaitable[Reply]]

log = logging.getLogger("moorage.web")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SERVER = (b"server", b"moorage")
_encode = msgspec.json.Encoder().encode
_FULL = {28, 122}  # ENOSPC, EDQUOT
_LOCAL = ("https://localhost:", "https://localhost/")


class _Line(msgspec.Struct):
    """One request in JSON, beside the lines of `logs.JsonLines`; `ms` is what it took."""

    time: str
    level: str
    logger: str
    message: str
    method: str
    path: str
    status: int
    ms: float
    address: str
    principal: str
    request_id: str


class AccessLog:
    """One line per request, gathered for at most 0.2 s and written at once: a line each would cost more than a pull."""

    def __init__(self, *, text: bool, descriptor: int | None = None) -> None:
        self._text = text
        self._descriptor = sys.stderr.fileno() if descriptor is None else descriptor
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._second = 0
        self._begin = ""

    def note(self, request: Request, status: int, seconds: float) -> None:
        """Add a line."""
        stamp = time.time()
        second = int(stamp)
        if second != self._second:
            self._second = second
            self._begin = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        moment = f"{self._begin}.{int((stamp - second) * 1000):03}"
        if self._text:
            path = request.path if request.path.isprintable() else ascii(request.path)
            who = request.principal or "-"
            line = f"{moment[11:]} {status} {request.method:6} {path} {seconds * 1000:.1f}ms {who}".encode(
                "utf-8", "backslashreplace"
            )
        else:
            line = _encode(
                _Line(
                    f"{moment}Z", "info", "moorage.access", "request", request.method, request.path, status,
                    round(seconds * 1000, 2), request.address, request.principal, request.request_id,
                )
            )  # fmt: skip
        self._lines.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(0.2, self.flush)

    def flush(self) -> None:
        """Write what was gathered."""
        self._timer = None
        if self._lines:
            data = b"\n".join(self._lines) + b"\n"
            self._lines.clear()
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                pass  # nobody reads the log; the requests matter more


class Stack:
    """The ASGI application: finds the handler by the first part of the path and answers whatever happens.

    A handler is called with a `Request` and returns a `Reply`; a `Problem` that it raises becomes the envelope,
    anything else is a bug of ours: the client gets 500 and the request id, the log gets the traceback.
    """

    def __init__(
        self, handlers: Mapping[str, Handler], fallback: Handler, hosts: Hosts, metrics: Metrics,
        access_log: AccessLog | None, *, https_seconds: int = 0,
    ) -> None:  # fmt: skip
        """Know the parts.

        Args:
            https_seconds: how long browsers that came by HTTPS are to come by nothing else; 0: as they like.
        """
        self._handlers = dict(handlers)
        self._fallback = fallback
        self._hosts = hosts
        self._metrics = metrics
        self._log = access_log
        self._https_only = (b"strict-transport-security", b"max-age=%d" % https_seconds) if https_seconds else None
        self._id_prefix = str(uuid.uuid4())[:24]
        self._id_number = int.from_bytes(os.urandom(4), "big") << 12

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        metrics = self._metrics
        metrics.inflight += 1
        headers = dict(scope["headers"])
        given = self._name(headers)
        request_id.set(given)
        request: Request | None = None
        first = ""
        try:
            try:
                first = scope["path"].lstrip("/").partition("/")[0]
                request = Request(scope, receive, given, headers)
                self._hosts.settle(request)
                reply = await self._handlers.get(first, self._fallback)(request)
            except Problem as problem:
                reply = problem_reply(problem, oci=first in {"v2", "service"})
                if problem.status >= 500:
                    log.warning("%s: %s", type(problem).__name__, with_cause(problem))
            except OSError as error:
                log.exception("storage failed")
                kind = StorageFull if error.errno in _FULL else StorageUnavailable
                reply = problem_reply(kind(headers={"Retry-After": "30"}), oci=first in {"v2", "service"})
            except Exception:
                log.exception("unhandled error")
                reply = problem_reply(InternalError(request_id=given), oci=False)
            if self._https_only is not None and request is not None and _is_strict(request):
                reply.headers.append(self._https_only)
            await _send(reply, send, scope["method"], given)
            status = reply.status
        except Exception as error:
            status = 599  # the reply broke off: only the log can tell
            if not _is_explained(error):
                raise
        finally:
            metrics.inflight -= 1
        seconds = time.perf_counter() - begun
        if request is not None:
            metrics.note(request.method, request.route, status, seconds)
            if self._log is not None:
                self._log.note(request, status, seconds)

    def _name(self, headers: Mapping[bytes, bytes]) -> str:
        """The request's id: the client's, or a new one."""
        wish = headers.get(b"x-request-id")
        if wish is not None and _REQUEST_ID.fullmatch(wish):
            return wish.decode("ascii")
        self._id_number += 1
        return f"{self._id_prefix}{self._id_number & 0xFFFFFFFFFFFF:012x}"


def _is_strict(request: Request) -> bool:
    """Whether the client came by HTTPS to a name that is ours alone: `localhost` is that of other servers as well.

    Source: RFC 6797, 7.2 and 8.1.1 (browsers do not keep it for addresses).
    """
    return request.is_secure and not f"{request.origin}/".startswith(_LOCAL)


def _is_explained(error: Exception) -> bool:
    """Log why a reply broke off; whether it was a problem that we know, and no bug of ours.

    Then the caller just ends: without the last piece of what was announced the server cuts the connection.
    """
    known = isinstance(error, Problem)
    log.error("the reply broke off: %s", error, exc_info=None if known else error)
    return known


async def _send(reply: Reply, send: Send, method: str, given: str) -> None:
    headers = reply.headers
    headers.append((b"x-request-id", given.encode("ascii")))
    headers.append(_SERVER)
    body = reply.body
    length = reply.length
    if length is None and reply.stream is None and reply.path is None:
        length = len(body)
    if length is not None and reply.status not in {204, 304}:
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        if reply.stream is not None and (close := getattr(reply.stream, "aclose", None)) is not None:
            await close()
    elif reply.path is not None:
        await send({"type": "http.response.pathsend", "path": str(reply.path)})
    elif reply.stream is not None:
        async for piece in reply.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": body})

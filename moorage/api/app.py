"""The application of the REST API: routes, guard, problems; and the handler that the server's stack calls."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from litestar import Litestar, Router
from litestar import Request as LitestarRequest
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.response import Response

from moorage.access.call import BASE, Call
from moorage.api.guard import ApiGuard
from moorage.api.paths import route_path
from moorage.db.query import ignored_warning
from moorage.errors import Invalid, Problem, RouteUnknown, TooLarge, Unprocessable, Unsupported
from moorage.web.reply import API_HEADERS, Reply, add_missing, problem_reply
from moorage.web.request import Request

MAX_BODY_BYTES = 1024 * 1024
_IDLE_SECONDS = 30.0
_ABOUT_BODIES = frozenset({b"content-length", b"content-type"})
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # in JSON; a NUL that is not escaped is no JSON
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Api:
    """The handler of everything below /api."""

    def __init__(self, routes: Sequence[HTTPRouteHandler], guard: ApiGuard, provided: Mapping[str, Any]) -> None:
        """Build the application.

        Args:
            routes: the handlers, with paths below `/api/v2.0`.
            provided: by name, what handlers may ask for beside `call`: `Passwords`, the storage, …
        """
        self._guard = guard
        self._methods = [
            (re.compile(re.sub(r"\{\w+:(\w+)\}", _pattern, BASE + path)), {str(one) for one in handler.http_methods})
            for handler in routes
            for path in handler.paths
        ]
        dependencies = {"call": Provide(_provide_call, sync_to_thread=False)}
        for name, value in provided.items():
            dependencies[name] = Provide(_always(value), sync_to_thread=False, use_cache=True)
        self.app = Litestar(
            route_handlers=[Router(BASE, route_handlers=list(routes), guards=[_ask])],
            dependencies=dependencies,
            exception_handlers={Exception: _keep},
            openapi_config=None,
            request_max_body_size=None,  # the body is read here, with the limit
            logging_config=None,
        )

    async def __call__(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            Problem: told to the client by the stack.
        """
        path = route_path(request.path)
        if request.method == "OPTIONS":
            raise self._wrong_method(request.method, path)
        body = b""
        if request.method in _UNSAFE:
            body = await request.body(_IDLE_SECONDS).whole(MAX_BODY_BYTES)
        if b"%00" in request.query_string or _ESCAPED_NUL.search(body) is not None:
            raise Invalid("There is a NUL character in the request; no text here can hold one.")
        scope: dict[str, Any] = {
            **request.scope,
            "path": path,
            "raw_path": quote(path).encode("ascii"),
            "root_path": "",
            "moorage.request": request,
            "moorage.guard": self._guard,
            "state": {},
        }
        answer = _Answer(body)
        await self.app(scope, answer.receive, answer.send)  # type: ignore[arg-type]
        problem: Exception | None = scope.get("moorage.problem")
        if isinstance(problem, MethodNotAllowedException):
            problem = self._wrong_method(request.method, path)
        if problem is None:
            reply = answer.reply()
        elif isinstance(problem, Problem) and problem.status not in {500, 503}:
            reply = problem_reply(problem, oci=False)
        else:
            raise problem
        headers = reply.headers
        add_missing(headers, API_HEADERS)
        headers += request.scope.get("moorage.headers", ())
        call: Call | None = scope.get("moorage.call")
        if call is not None and call.ignored:
            headers.append((b"warning", ignored_warning(call.ignored).encode("ascii", "replace")))
        return reply

    def _wrong_method(self, method: str, path: str) -> Problem:
        """A 405 that names the methods of the path; 404 when it has none."""
        allowed = {one for pattern, methods in self._methods if pattern.fullmatch(path) for one in methods}
        if not allowed:
            return RouteUnknown(path=path[:300])
        return Unsupported(f"{method} is not supported here.", headers={"Allow": ", ".join(sorted(allowed))})


class _Answer:
    """One request's body in, and its reply out; replies of the REST API are small."""

    __slots__ = ("_body", "headers", "parts", "status")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []

    async def receive(self) -> dict[str, Any]:
        """The whole body, at once."""
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        """Take a piece of the reply."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message["headers"])
        else:
            self.parts.append(message.get("body", b""))

    def reply(self) -> Reply:
        """What was sent, whole. Where a handler has nothing to say, nothing is said: the contract knows no `null`."""
        body = b"".join(self.parts)
        if body == b"null":
            return Reply(self.status, [one for one in self.headers if one[0] not in _ABOUT_BODIES])
        return Reply(self.status, [one for one in self.headers if one[0] != b"content-length"], body)


def _pattern(parameter: re.Match[str]) -> str:
    return "-?[0-9]+" if parameter[1] == "int" else "[^/]+"


async def _ask(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route; Litestar copies what it is given, so the real one travels in the scope."""
    guard: ApiGuard = connection.scope["moorage.guard"]  # type: ignore[typeddict-item]
    await guard(connection, handler)


def _provide_call(request: LitestarRequest[Any, Any, State]) -> Call:
    call: Call = request.scope["moorage.call"]  # type: ignore[typeddict-item]
    return call


def _always(value: Any) -> Any:  # noqa: ANN401 - one of the parts that handlers may ask for
    def provide() -> Any:  # noqa: ANN401 - as above
        return value

    return provide


def _keep(request: LitestarRequest[Any, Any, State], error: Exception) -> Response[None]:
    """Keep what happened for `Api.__call__`, which raises it into the stack: one place tells clients of problems."""
    request.scope["moorage.problem"] = _translate(error, request)  # type: ignore[typeddict-unknown-key]
    return Response(None, status_code=500)


def _translate(error: Exception, request: LitestarRequest[Any, Any, State]) -> Exception:
    """Litestar's own errors as problems of ours."""
    if isinstance(error, Problem) or not isinstance(error, HTTPException):
        return error
    path = request.scope["path"][:300]
    if isinstance(error, NotFoundException):
        return RouteUnknown(path=path)
    if isinstance(error, MethodNotAllowedException):
        return error  # `Api` knows what is allowed here
    if isinstance(error, SerializationException):
        return Invalid(f"The body is not what was expected: {error.detail}"[:500])
    if isinstance(error, ValidationException):
        return Unprocessable(_explain(error))
    if error.status_code == 413:
        return TooLarge(limit_bytes=MAX_BODY_BYTES)
    if 400 <= error.status_code < 500:
        return Invalid(str(error.detail)[:500])
    return error


def _explain(error: ValidationException) -> str:
    """Which value is wrong, in one sentence."""
    found: list[str] = []
    for item in error.extra if isinstance(error.extra, list) else []:
        if isinstance(item, dict):
            key = item.get("key")
            found.append(f"{key}: {item.get('message')}" if key else str(item.get("message")))
    return ("; ".join(found) or str(error.detail))[:500]

"""The application of the REST API: routes, guard, problems; and the handler that the server's stack calls.

Litestar knows the routes, and reads what a handler asks for from a request. The way between is walked here: its own
passes through exception handlers, a copy of the handler for its guards and two more responses, which is most of what it
costs.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast
from urllib.parse import quote, unquote

import msgspec
from litestar import Litestar, Router
from litestar import Request as LitestarRequest
from litestar.di import Provide
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.routes import HTTPRoute
from litestar.types import Empty
from litestar.utils import normalize_path

from moorage.access.request_context import BASE, Call
from moorage.api.guard import ApiGuard
from moorage.api.paths import route_path
from moorage.db.list_query import ignored_warning
from moorage.errors import Invalid, Problem, QuotaExceeded, RouteUnknown, TooLarge, Unprocessable, Unsupported
from moorage.web.request import Request
from moorage.web.response import API_HEADERS, JSON_TYPE, Reply, add_missing, problem_reply, warning
from moorage.webhooks.refused_pushes import RefusedPushes

MAX_BODY_BYTES = 1024 * 1024
_IDLE_SECONDS = 30.0
_ABOUT_BODIES = frozenset({b"content-length", b"content-type"})
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # in JSON; a NUL that is not escaped is no JSON
_encode = msgspec.json.Encoder().encode
_TOO_LARGE = 1 << 63
"""No number in a database is."""
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
        self._provided = provided
        self._refused: RefusedPushes | None = provided.get("refused")
        self._frame = _build(tuple(routes), frozenset({"call", *provided}))

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
            raise Unprocessable("There is a NUL character in the request; no text here can hold one.")
        scope: dict[str, Any] = {
            **request.scope,
            "path": path,
            "raw_path": quote(path).encode("ascii"),
            "root_path": "",
            "state": {},
            "app": self._frame.app,
            "litestar_app": self._frame.app,
        }
        try:
            reply = await self._answer(request, scope, body)
        except MethodNotAllowedException:
            reply = problem_reply(self._wrong_method(request.method, path), oci=False)
        except HTTPException as error:
            problem = _translate(error, path)
            if not isinstance(problem, Problem):
                raise
            reply = problem_reply(problem, oci=False)
        except Problem as problem:
            if problem.status in {500, 503}:
                raise
            if isinstance(problem, QuotaExceeded):
                self._note_refused(scope, problem)
            reply = problem_reply(problem, oci=False)
        headers = reply.headers
        add_missing(headers, API_HEADERS)
        headers += request.scope.get("moorage.headers", ())
        call: Call | None = scope.get("moorage.call")
        if call is not None:
            headers += _warnings(call)
        return reply

    def _note_refused(self, scope: dict[str, Any], problem: QuotaExceeded) -> None:
        """A copy that finds no room is a push that was refused."""
        call: Call | None = scope.get("moorage.call")
        repository = unquote(str(scope.get("path_params", {}).get("repository_name", "")))
        if self._refused is not None and call is not None and call.standing is not None and repository:
            self._refused.note(call.actor, f"{call.standing.project_name}/{repository}", "", problem)

    async def _answer(self, request: Request, scope: dict[str, Any], body: bytes) -> Reply:
        """What the handler of the route says.

        Raises:
            HTTPException: Litestar's: there is no such route, or a parameter is not what the handler asks for.
            Problem: of the guard, or of the handler.
        """
        _, found, _, path, _ = self._frame.app.asgi_router.handle_routing(
            normalize_path(scope["path"]), scope["method"]
        )
        handler = cast("HTTPRouteHandler", found)
        scope["path_params"] = path = dict(path)  # Litestar keeps what it found
        scope["route_handler"] = handler
        scope["moorage.call"] = await self._guard(request, handler, path)
        connection: LitestarRequest[Any, Any, Any] = LitestarRequest(scope, _Body(body))  # type: ignore[arg-type]
        parameters, names, body_type = self._frame.asked[handler]
        asked: dict[str, Any] = {}
        if parameters.has_kwargs:
            try:
                asked = await parameters.to_kwargs(connection)
            except SerializationException as error:
                raise Invalid(str(error)[:500]) from error
            except RecursionError:
                raise Invalid("The JSON in the body is nested too deeply.") from None
            if asked.get("data") is Empty:
                del asked["data"]
            elif "data" in asked:
                asked["data"] = _read_body(asked["data"], body_type)
            for name in names:  # Litestar would have tasks for this
                asked[name] = scope["moorage.call"] if name == "call" else self._provided[name]
            asked = handler.signature_model.parse_values_from_connection_kwargs(connection, asked)
            for name, value in asked.items():  # of the query; those of the path the guard has seen
                if type(value) is int and abs(value) >= _TOO_LARGE:
                    raise Unprocessable(f"{name} must be a whole number of at most 64 bits.", parameter=name)
        answer = await handler.fn(**asked)
        return _reply(answer if isinstance(answer, Response) else Response(answer), handler.status_code)

    def _wrong_method(self, method: str, path: str) -> Problem:
        """A 405 that names the methods of the path; 404 when it has none."""
        allowed = {one for pattern, methods in self._frame.methods if pattern.fullmatch(path) for one in methods}
        if not allowed:
            return RouteUnknown(path=path[:300])
        return Unsupported(f"{method} is not supported here.", headers={"Allow": ", ".join(sorted(allowed))})


class _Body:
    """The body of a request, which was read whole, as ASGI hands it out."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self) -> dict[str, Any]:
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": False}


def _warnings(call: Call) -> list[tuple[bytes, bytes]]:
    """What a reply warns of, each as a sentence, and their codes in the same order in one header of ours."""
    headers = []
    if call.ignored:
        headers.append((b"warning", ignored_warning(call.ignored).encode("ascii", "replace")))
    headers += [warning(text) for _, text in call.warnings]
    if headers:
        codes = [*(["NAMES_IGNORED"] if call.ignored else []), *(code for code, _ in call.warnings)]
        headers.append((b"warning-codes", ", ".join(codes).encode("ascii")))
    return headers


def _reply(response: Response[Any], status: int) -> Reply:
    """What a handler said. Where it has nothing to say, nothing is said: the contract knows no `null`."""
    status = response.status_code or status
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    if response.content is None:
        return Reply(status, [one for one in headers if one[0] not in _ABOUT_BODIES])
    if response.media_type is None:
        headers.append(JSON_TYPE)
        return Reply(status, headers, _encode(response.content))
    media_type = str(getattr(response.media_type, "value", response.media_type))
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    if all(name != b"content-type" for name, _ in headers):
        headers.append((b"content-type", media_type.encode("latin-1")))
    return Reply(status, headers, response.render(response.content, media_type))


def _pattern(parameter: re.Match[str]) -> str:
    return "-?[0-9]+" if parameter[1] == "int" else "[^/]+"


class _Frame(NamedTuple):
    """What the routes alone decide: it holds nothing of the application that it is made for.

    Attributes:
        asked: for each handler, what it reads from a request, the names of what it is given beside that, and the type
            of its body.
        methods: of each path.
    """

    app: Litestar
    asked: dict[HTTPRouteHandler, tuple[Any, tuple[str, ...], Any]]  # Litestar keeps the class to itself
    methods: list[tuple[re.Pattern[str], set[str]]]


@functools.cache
def _build(routes: tuple[HTTPRouteHandler, ...], names: frozenset[str]) -> _Frame:
    """Have Litestar look at all handlers: a fifth of a second. Who starts many applications needs it once."""
    app = Litestar(
        route_handlers=[Router(BASE, route_handlers=list(routes))],
        dependencies={name: Provide(_place(), sync_to_thread=False) for name in names},
        openapi_config=None,
        request_max_body_size=None,  # the body is read here, with the limit
        logging_config=None,
    )
    asked = {
        handler: (
            parameters,
            tuple(one.key for batch in parameters.dependency_batches for one in batch),
            handler.parsed_data_field.annotation if handler.parsed_data_field else None,
        )
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler, parameters in route.route_handler_map.values()
    }
    methods = [
        (re.compile(re.sub(r"\{\w+:(\w+)\}", _pattern, BASE + path)), {str(one) for one in handler.http_methods})
        for handler in routes
        for path in handler.paths
    ]
    return _Frame(app, asked, methods)


def _place() -> Callable[[], None]:
    """A place in Litestar's table, each its own, for what `Api._answer` looks up."""
    return lambda: None


_WHERE = re.compile(r"(?P<said>.*) - at `\$\.?(?P<place>.+)`\Z", re.DOTALL)


def _read_body(body: object, wanted: Any) -> Any:  # noqa: ANN401 - whatever the handler asks for
    """What JSON holds, as the type that a handler asks for; a text is no number here, and a number no truth.

    Litestar reads a body as loosely as a query, which has nothing but texts.

    Raises:
        Unprocessable: a value is of another type.
    """
    try:
        return msgspec.convert(body, wanted, str_keys=True)
    except msgspec.ValidationError as error:
        where = _WHERE.match(str(error))
        said = f"{where['place']}: {where['said']}" if where else f"The body: {error}"
        raise Unprocessable(said[:500]) from None


def _translate(error: HTTPException, path: str) -> Exception:
    """Litestar's own errors as problems of ours."""
    if isinstance(error, NotFoundException):
        return RouteUnknown(path=path[:300])
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
            key, said = item.get("key"), str(item.get("message"))
            if key == "data":  # what the handler calls the body; what is in it was read before
                found.append("A body is needed: JSON.")
            else:
                found.append(f"{key}: {said}" if key else said)
    return ("; ".join(found) or str(error.detail))[:500]

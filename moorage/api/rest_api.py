"""Handle every request below /api: the versioned API, `/api/version`, and the OpenAPI document."""

import asyncio
import contextlib
import functools
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from moorage.access.request_context import BASE
from moorage.api.guard import ApiGuard
from moorage.api.paths import route_path
from moorage.configuration.cached_settings import Live
from moorage.configuration.read_only import READS, require_writable
from moorage.errors import Unsupported
from moorage.web.request import Request
from moorage.web.response import API_HEADERS, Reply, add_missing, json_reply
from moorage.web.static_content import Content

if TYPE_CHECKING:
    from moorage.api.app import Api

Handler = Callable[[Request], Awaitable[Reply]]

_VERSION = {"version": "v2.0"}
_SIGNS_OF_LIFE = (f"{BASE}/ping", f"{BASE}/health")
"""What is answered without the database, the second to say that it is away."""
_CHANGES_IN_READ_ONLY = frozenset({f"{BASE}/configurations"})
"""What is changed in read-only mode, too: it could not be ended otherwise. Source: the contract."""

_READS_WITH_A_BODY = re.compile(
    rf"{BASE}/(?:users/current/permissions|registries/ping|selectors/(?:match|try)"
    r"|projects/[^/]+/(?:selectors/match|repositories/[^/]+/(?:storage|(?:tags/)?deletion)))"
)
"""What a POST only asks for (`operation(reads=True)`): read-only mode does not stop it."""

_DOCUMENT = f"{BASE}/openapi.json"
_PAGE = f"{BASE}/explorer"

_LOADING = threading.Lock()
"""Of two threads that import the framework at once, one may find a part of it half made."""


class ApiPlane:
    """What the stack calls for a path below /api.

    The framework and the routes take a second of processor time to load. /v2, the probes and the page at / need none of
    it: so they are loaded in a thread once the server has started, and a request that comes before waits for them.
    """

    def __init__(self, guard: ApiGuard, live: Live, provided: Mapping[str, Any], page: Handler | None = None) -> None:
        """Remember the parts; nothing is loaded yet.

        Args:
            page: answers for the page that shows the API, and for its files.
        """
        self._page = page
        self._guard = guard
        self._live = live
        self._provided = {"live": live, **provided}
        self._api: Api | None = None
        self._loading: asyncio.Future[Api] | None = None
        self._document: Content | None = None

    def start(self) -> "asyncio.Future[Api]":
        """Begin to load, unless that has begun; called once the server can answer.

        The thread is a daemon: a server that ends right away need not wait for what it no longer needs.
        """
        if self._loading is not None:
            return self._loading
        loop = asyncio.get_running_loop()
        loaded: asyncio.Future[Api] = loop.create_future()

        def load() -> None:
            try:
                api = self._load()
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and the stack logs it
                outcome = functools.partial(_settle, loaded, None, error)
            else:
                outcome = functools.partial(_settle, loaded, api, None)
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(outcome)

        self._loading = loaded
        threading.Thread(target=load, name="api-load", daemon=True).start()
        return loaded

    def _load(self) -> "Api":
        with _LOADING:
            from moorage.api.app import Api  # noqa: PLC0415 - what this is all about
            from moorage.api.routes import built_operations, every_route  # noqa: PLC0415 - as above

            self._api = Api(every_route(), self._guard, {**self._provided, "built": built_operations()})
        return self._api

    async def __call__(self, request: Request) -> Reply:
        """Answer one request. Repeated slashes are one: what holds for a path holds however it is written."""
        path = route_path(request.path)
        if path == "/api/version":
            _require_read(request)
            return json_reply(200, _VERSION, [*API_HEADERS])
        if path == _DOCUMENT:
            _require_read(request)
            reply = (await self._whole_document()).reply(request)
            add_missing(reply.headers, API_HEADERS)
            return reply
        if self._page is not None and (path == _PAGE or path.startswith(f"{_PAGE}/")):
            return await self._page(request)
        if path not in _SIGNS_OF_LIFE:
            items = await self._live.items()  # what was changed before this request holds for it
            if request.method not in READS and not _is_always_allowed(request.method, path):
                require_writable(items, request.method)
        api = self._api
        if api is None:
            api = await asyncio.shield(self.start())
        return await api(request)

    async def _whole_document(self) -> Content:
        """The OpenAPI document; made when it is first asked for (a second of work), in a thread."""
        if self._document is None:
            self._document = await asyncio.to_thread(_build)
        return self._document


def _is_always_allowed(method: str, path: str) -> bool:
    return path in _CHANGES_IN_READ_ONLY or (method == "POST" and bool(_READS_WITH_A_BODY.fullmatch(path)))


def _settle(loaded: "asyncio.Future[Api]", api: "Api | None", error: Exception | None) -> None:
    if loaded.done():
        return
    if api is not None:
        loaded.set_result(api)
    elif error is not None:
        loaded.set_exception(error)
        loaded.exception()  # nobody may be waiting


def _build() -> Content:
    with _LOADING:
        from moorage.api.openapi import build_document  # noqa: PLC0415 - with the framework, see above
        from moorage.api.routes import every_route  # noqa: PLC0415 - as above

        return Content(msgspec.json.encode(build_document(every_route())), "application/json")


def _require_read(request: Request) -> None:
    if request.method not in {"GET", "HEAD"}:
        raise Unsupported(headers={"Allow": "GET, HEAD"})

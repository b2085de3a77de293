"""The handler of everything below /api: the versioned base, `/api/version`, and the document."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage.access.call import BASE
from moorage.api.app import Api, route_path
from moorage.api.guard import ApiGuard
from moorage.api.openapi import build_document
from moorage.api.routes import every_route
from moorage.configuration.live import Live
from moorage.configuration.read_only import READS, require_writable
from moorage.errors import Unsupported
from moorage.web.reply import Reply, json_reply
from moorage.web.request import Request

_VERSION = {"version": "v2.0"}
_PING = f"{BASE}/ping"
_CHANGES_IN_READ_ONLY = frozenset({f"{BASE}/configurations"})
"""What is changed in read-only mode, too: it could not be ended otherwise. Source: the contract."""

_DOCUMENT = f"{BASE}/openapi.json"


class ApiPlane:
    """What the stack calls for a path below /api."""

    def __init__(self, guard: ApiGuard, live: Live, provided: Mapping[str, Any]) -> None:
        provided = {"live": live, **provided}
        self._live = live
        self._api = Api(every_route(), guard, provided)
        self._document: bytes | None = None

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        path = request.path.rstrip("/")
        if path == "/api/version":
            _require_read(request)
            return json_reply(200, _VERSION)
        if path == _DOCUMENT:
            _require_read(request)
            return Reply(200, [(b"content-type", b"application/json")], await self._whole_document())
        if path != _PING:
            items = await self._live.items()  # what was changed before this request holds for it
            if request.method not in READS and route_path(path) not in _CHANGES_IN_READ_ONLY:
                require_writable(items, request.method)
        return await self._api(request)

    async def _whole_document(self) -> bytes:
        """The OpenAPI document; made when it is first asked for (a second of work), in a thread."""
        if self._document is None:
            self._document = await asyncio.to_thread(lambda: msgspec.json.encode(build_document(every_route())))
        return self._document


def _require_read(request: Request) -> None:
    if request.method not in {"GET", "HEAD"}:
        raise Unsupported(headers={"Allow": "GET, HEAD"})

"""/livez, /readyz and /metrics."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from moorage.db.engine import Database
from moorage.errors import Problem, RouteUnknown, Unsupported
from moorage.jobs.metrics import show_metrics
from moorage.logs import with_cause
from moorage.storage.base import Storage
from moorage.tokens.scopes import Scope
from moorage.web.metrics import Metrics
from moorage.web.request import Request
from moorage.web.response import Reply

if TYPE_CHECKING:
    from moorage.distribution.auth import Gate  # a neighbour: app.py passes the object

log = logging.getLogger("moorage.probes")

_FRESH_SECONDS = 5.0
_PATIENCE_SECONDS = 4.0
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_NO_STORE = (b"cache-control", b"no-store")


class Probes:
    """What load balancers and scrapers ask."""

    def __init__(self, database: Database, storage: Storage, metrics: Metrics, gate: "Gate") -> None:
        self._database = database
        self._storage = storage
        self._metrics = metrics
        self._gate = gate
        self._checked_at = 0.0
        self._ready = False
        self._checking = asyncio.Lock()

    async def livez(self, request: Request) -> Reply:
        """200 while the process answers; touches nothing."""
        _require_read(request, "/livez")
        request.route = "livez"
        return Reply(200, [_TEXT, _NO_STORE], b"ok\n")

    async def readyz(self, request: Request) -> Reply:
        """200 once a write to the database and to the storage works; looked at most every 5 s. No details."""
        _require_read(request, "/readyz")
        request.route = "readyz"
        if time.monotonic() - self._checked_at > _FRESH_SECONDS:
            async with self._checking:
                if time.monotonic() - self._checked_at > _FRESH_SECONDS:
                    self._ready = await self._check()
                    self._checked_at = time.monotonic()
        if self._ready:
            return Reply(200, [_TEXT, _NO_STORE], b"ready\n")
        return Reply(503, [_TEXT, _NO_STORE, (b"retry-after", b"5")], b"not ready\n")

    async def _check(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._database.check()
                if self._ready:
                    await self._storage.check()
                else:
                    await self._storage.open()  # makes what is missing, and checks
        except (Problem, TimeoutError) as problem:
            said = with_cause(problem) if isinstance(problem, Problem) else "a write took longer than 4 s"
            log.warning("not ready: %s", said)
            return False
        return True

    async def metrics(self, request: Request) -> Reply:
        """The counters of this process, and the state of background work, for administrators.

        Without the database those of background work are left out.
        """
        _require_read(request, "/metrics")
        request.route = "metrics"
        await self._gate.ticket(request, (Scope("registry", "catalog", ("*",)),))
        text = self._metrics.text()
        try:
            text += "\n".join(await self._database.look(show_metrics)) + "\n"
        except Problem as problem:
            log.warning("metrics of background work are left out: %s", with_cause(problem))
        return Reply(200, [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")], text.encode())


def _require_read(request: Request, path: str) -> None:
    if request.path != path:
        raise RouteUnknown(path=request.path[:300])
    if request.method not in {"GET", "HEAD"}:
        raise Unsupported(headers={"Allow": "GET, HEAD"})

"""The upstream of each proxy cache: its names, and a client that is kept open."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from moorage.db.engine import Database
from moorage.errors import ManifestUnknown, Problem, SelectorInvalid
from moorage.oci.names import parse_repository
from moorage.proxycache import service
from moorage.proxycache.service import ProxyRow
from moorage.registries.adapters import get_adapter, open_adapter
from moorage.registries.adapters.docker_hub import OFFICIAL, DockerHub
from moorage.registries.service import draft_of, endpoint_of
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_client import Client
from moorage.remotes.registry_connection import Endpoint
from moorage.remotes.retry_policy import IMPATIENT
from moorage.secret_encryption import SealBroken, Seals
from moorage.selectors import Selector, compile_selector
from moorage.settings import Secret, Settings

FRESH_SECONDS = 2.0
"""For how long the settings of a proxy are not read again."""
_CLOSE_AFTER_SECONDS = 900.0
"""How long the client of an endpoint that was changed may still be used by what had begun."""

log = logging.getLogger("moorage.proxycache")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A project that mirrors an upstream, as it was a moment ago.

    Attributes:
        client: talks to the upstream, once for each request.
        tag_seconds: for how long a tag is not looked up again.
        keeps_gone: what the upstream no longer has is served all the same.
        evicts: what was pulled longest ago makes room in a full project.
        bytes_per_second: 0: as fast as it goes.
        most_requests: at the same time for one repository; 0: any number.
        asks_referrers: whether the upstream is asked for referrers.
    """

    project_id: int
    name: str
    epoch: int
    registry: str
    kind: str
    client: Client
    tag_seconds: float
    keeps_gone: bool
    evicts: bool
    bytes_per_second: int
    most_requests: int
    asks_referrers: bool
    names: Selector | None

    def place(self, path: str) -> tuple[str, str]:
        """Where a repository is kept here, and what it is called at the upstream.

        On Docker Hub a name without a namespace is one of Docker's own: it is kept under its whole name.

        Raises:
            ManifestUnknown: the filter leaves it out.
        """
        name = parse_repository(path).path
        if self.kind == DockerHub.kind and "/" not in name:
            name = f"{OFFICIAL}/{name}"
        if self.names is not None and not self.names.matches(name):
            raise ManifestUnknown("The proxy cache's filter leaves this repository out.", repository=path)
        return f"{self.name}/{name}", name


@dataclass(slots=True)
class _Open:
    """A client, and the endpoint that it was opened for."""

    kind: str
    endpoint: Endpoint
    client: Client
    exits: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)


class Proxies:
    """The proxies that this process knows. Used from one event loop."""

    def __init__(self, settings: Settings, database: Database, outgoing: Outgoing, seals: Seals) -> None:
        self._settings = settings
        self._database = database
        self._outgoing = outgoing
        self._seals = seals
        self._known: dict[int, tuple[float, Proxy]] = {}
        self._clients: dict[int, _Open] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def get(self, project_id: int) -> Proxy:
        """A proxy as it was `FRESH_SECONDS` ago at most.

        Raises:
            ProjectUnknown: the project is gone, or mirrors nothing.
        """
        known = self._known.get(project_id)
        if known is not None and known[0] > monotonic():
            return known[1]
        async with self._locks.setdefault(project_id, asyncio.Lock()):
            known = self._known.get(project_id)
            if known is None or known[0] <= monotonic():
                row = await self._database.look(service.get_proxy, project_id)
                known = self._known[project_id] = (monotonic() + FRESH_SECONDS, await self._make(row))
        return known[1]

    async def close(self) -> None:
        """Close all clients."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        for opened in self._clients.values():
            await opened.exits.aclose()
        self._clients.clear()

    async def _make(self, row: ProxyRow) -> Proxy:
        said = row.settings
        return Proxy(
            project_id=row.project_id, name=row.name, epoch=row.epoch, registry=row.registry.name,
            kind=row.registry.kind, client=await self._client(row),
            tag_seconds=float(said.get("proxy_cache_tag_seconds", self._settings.proxy_cache.tag_seconds)),
            keeps_gone=said.get("proxy_cache_local_on_not_found") == "true",
            evicts=said.get("proxy_cache_evict") != "false",
            bytes_per_second=max(0, int(said.get("proxy_speed_kb", "0"))) * 1024,
            most_requests=max(0, int(said.get("max_upstream_conn", "0"))),
            asks_referrers=said.get("proxy_referrer_api") == "true", names=_read_filter(row.name, said),
        )  # fmt: skip

    async def _client(self, row: ProxyRow) -> Client:
        try:
            endpoint = endpoint_of(row.registry, self._seals)
        except SealBroken as problem:  # what is here is served all the same, and the upstream says what it thinks
            log.error("the secret of registry %s cannot be opened: %s", row.registry.name, problem)  # noqa: TRY400
            endpoint = draft_of(row.registry).endpoint(Secret(""))
        opened = self._clients.get(row.registry.id)
        if opened is not None and (opened.kind, opened.endpoint) == (row.registry.kind, endpoint):
            return opened.client
        if opened is not None:
            task = asyncio.create_task(_close_later(opened.exits))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        get_adapter(row.registry.kind)
        exits = contextlib.AsyncExitStack()
        adapter = await exits.enter_async_context(
            open_adapter(self._outgoing, row.registry.kind, endpoint, patience=IMPATIENT)
        )
        self._clients[row.registry.id] = _Open(row.registry.kind, endpoint, adapter.client, exits)
        return adapter.client


def _read_filter(project: str, said: Mapping[str, str]) -> Selector | None:
    """Which repositories there are; None: all. One that cannot be read is there to keep out, and lets none through."""
    pattern = said.get("proxy_cache_filter_pattern", "")
    if not pattern:
        return None
    try:
        return compile_selector(said.get("proxy_cache_filter_kind", "doublestar"), pattern)
    except SelectorInvalid as problem:
        log.warning("the filter of the proxy cache %s cannot be read, and lets nothing through: %s", project, problem)
        return compile_selector("doublestar", "-")  # no name begins so


async def _close_later(exits: contextlib.AsyncExitStack) -> None:
    try:
        await asyncio.sleep(_CLOSE_AFTER_SECONDS)
    finally:
        with contextlib.suppress(Problem):
            await exits.aclose()

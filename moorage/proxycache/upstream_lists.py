"""Tags and referrers that an upstream lists, cached for a tag's time to live."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from moorage.errors import Problem, RepositoryUnknown
from moorage.oci.digest import Digest
from moorage.proxycache.upstreams import Proxy
from moorage.remotes.registry_reader import Referrer

MAX_TAGS = 100_000
_LISTS = 64
_LIST_SECONDS = 30.0

log = logging.getLogger("moorage.proxycache")


class Listing:
    """The lists of all upstreams that this process remembers. Used from one event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, ...], tuple[float, list[Any]]] = OrderedDict()
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}

    async def list_tags(self, proxy: Proxy, path: str, upstream: str) -> list[str] | None:
        """The tags of a repository there, at most 100,000; None: there is no such repository, or no answer."""

        async def ask() -> list[Any]:
            names: list[str] = []
            async for name in proxy.client.list_tags(upstream):
                names.append(name)
                if len(names) >= MAX_TAGS:
                    break
            return names

        return await self._get(proxy, ("tags", path), ask)

    async def list_referrers(self, proxy: Proxy, path: str, upstream: str, subject: Digest) -> list[Referrer]:
        """What refers to a manifest there; nothing where the project does not ask, or there is no answer."""
        if not proxy.asks_referrers:
            return []

        async def ask() -> list[Any]:
            return list(await proxy.client.list_referrers(upstream, subject))

        return await self._get(proxy, ("referrers", path, str(subject)), ask) or []

    async def _get(
        self, proxy: Proxy, key: tuple[str, ...], ask: Callable[[], Awaitable[list[Any]]]
    ) -> list[Any] | None:
        known = self._known.get(key)
        if known is not None and known[0] > monotonic():
            return known[1]
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._known.get(key)
            if known is not None and known[0] > monotonic():
                return known[1]
            try:
                async with asyncio.timeout(_LIST_SECONDS):
                    found = await ask()
            except RepositoryUnknown:
                return None
            except (Problem, TimeoutError) as problem:
                log.warning("%s is listed as far as it is here: %s", key[1], str(problem) or "no answer in time")
                return None if known is None else known[1]
            finally:
                self._locks.pop(key, None)
            self._known[key] = (monotonic() + proxy.tag_seconds, found)
            self._known.move_to_end(key)
            if len(self._known) > _LISTS:
                self._known.popitem(last=False)
            return found

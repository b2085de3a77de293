"""Share one registry client among the tasks of a process.

Its connections and its tokens serve them all: with a client each, every small image paid for a connection, a refusal
with a challenge, and a token.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from moorage.registries.adapters import open_adapter
from moorage.registries.adapters.base import Adapter
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_connection import Endpoint


@dataclass(slots=True)
class _Shared:
    """An adapter, what closes it, and how many tasks use it."""

    adapter: Adapter
    stack: contextlib.AsyncExitStack
    users: int = 0


_OPEN: dict[tuple[Outgoing, str, Endpoint], _Shared] = {}
"""By all that an adapter is made of, so that new credentials are another one. What nobody uses is not kept."""


@contextlib.asynccontextmanager
async def share_adapter(outgoing: Outgoing, kind: str, endpoint: Endpoint) -> AsyncIterator[Adapter]:
    """The adapter of a registry, the same one for all who have it open in this process.

    Raises:
        RegistryInvalid, TargetRefused: as `open_adapter`.
    """
    key = (outgoing, kind, endpoint)
    shared = _OPEN.get(key)
    if shared is None:
        stack = contextlib.AsyncExitStack()
        made = _Shared(await stack.enter_async_context(open_adapter(outgoing, kind, endpoint)), stack)
        shared = _OPEN.setdefault(key, made)
        if shared is not made:  # somebody was faster
            await stack.aclose()
    shared.users += 1
    try:
        yield shared.adapter
    finally:
        shared.users -= 1
        if not shared.users:
            del _OPEN[key]
            await shared.stack.aclose()

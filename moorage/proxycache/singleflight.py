"""Single-flight across the processes of one machine, by file lock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from moorage.proxycache.inflight_fetches import Arrivals


class Turns:
    """The turns that this process takes or waits for. Used from one event loop."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._turns: dict[str, tuple[asyncio.Lock, list[None]]] = {}

    @contextlib.asynccontextmanager
    async def take(self, key: str) -> AsyncIterator[None]:
        """Be the only one of this machine who does what `key` names."""
        lock, users = self._turns.setdefault(key, (asyncio.Lock(), []))
        users.append(None)
        try:
            async with lock, self._arrivals.turn(key):
                yield
        finally:
            users.pop()
            if not users:
                self._turns.pop(key, None)

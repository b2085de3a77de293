"""Announce pushes refused for quota in a transaction of their own, as that of the push is rolled back.

As refusals in the audit log are, they are told beside the reply, which waits for nobody. A killed process loses those
that it has not written yet.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from moorage.db.engine import Database
from moorage.errors import Problem, QuotaExceeded
from moorage.events import Actor
from moorage.webhooks.on_events import Teller

WINDOW_SECONDS = 60.0
"""For so long a process does not even ask again: a push is refused once for each of its layers."""
MAX_KNOWN = 1_000

log = logging.getLogger("moorage.webhooks")


class RefusedPushes:
    """Those of a server. Used from one event loop."""

    def __init__(self, database: Database, teller: Teller, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._teller = teller
        self._clock = clock
        self._until: dict[str, float] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, actor: Actor, repository: str, reference: str, refused: QuotaExceeded) -> None:
        """Queue QUOTA_EXCEED, unless it was queued for this repository a moment ago.

        Args:
            repository: with its project; it need not exist.
            reference: the tag or digest that was pushed; empty: a blob was.
            refused: what the push was told.
        """
        now = self._clock()
        if now < self._until.get(repository, 0.0):
            return
        if len(self._until) >= MAX_KNOWN:
            self._until = {name: until for name, until in self._until.items() if now < until}
            if len(self._until) >= MAX_KNOWN:
                return
        self._until[repository] = now + WINDOW_SECONDS
        project_id = int(str(refused.detail["project_id"]))
        task = asyncio.get_running_loop().create_task(
            self._write(actor, project_id, repository, reference, str(refused))
        )
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Write the last ones."""
        await asyncio.gather(*self._writing)

    async def _write(self, actor: Actor, project_id: int, repository: str, reference: str, why: str) -> None:
        try:
            await self._database.run(actor, self._teller.tell_exceeded, project_id, repository, reference, why)
        except Problem as problem:
            self._until.pop(repository, None)
            log.warning("a refused push could not be told: %s", problem)

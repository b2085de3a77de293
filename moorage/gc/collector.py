"""One garbage collection run: the levels in order, in small steps that can be interrupted."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from moorage import failpoints
from moorage.blobs import upload_expiry
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import Problem, StorageFull, StorageUnavailable
from moorage.events import SYSTEM
from moorage.gc.database_clock import Clock
from moorage.gc.phases import (
    BATCH,
    TOMBSTONE_SECONDS,
    Batch,
    Doomed,
    collect_blobs,
    collect_charges,
    collect_links,
    find_doomed,
    find_tombstones,
    forget,
    note_gone,
)
from moorage.storage.base import Storage
from moorage.trash import purge

log = logging.getLogger("moorage.gc")

_LEVELS = {"links": collect_links, "charges": collect_charges, "blobs": collect_blobs}

_STEP_SECONDS = 0.5
"""A whole batch of keys is deleted between two looks at whether to go on where it takes less; else some."""

Find = Callable[[Work, float, Doomed | None, int], list[Doomed]]
Note = Callable[[Work, Sequence[int]], None]


@dataclass(slots=True)
class Run:
    """Counters of a run.

    Attributes:
        gone: `acts` of deleting whose time was over, and the `artifacts` in them; `uploads` that nobody went on with;
            `links` to blobs that repositories let go of, `charges` that projects pay no more, `blobs` that nobody
            holds any more.
        files, size_bytes: what was deleted from the storage.
        failed: keys that could not be deleted; the next run tries them again.
        held: nothing was let go, because the clock jumped (`clock.Clock`); bytes doomed before may have gone.
        stopped: it was told to stop; the next run goes on where this one was.
    """

    gone: Counter[str] = field(default_factory=Counter)
    files: int = 0
    size_bytes: int = 0
    failed: int = 0
    held: bool = False
    stopped: bool = False


Watch = Callable[[Run], Awaitable[bool]]
"""Is told how far a run has come, after each step of at most some tenths of a second; False stops it."""


async def _go_on(_run: Run) -> bool:
    return True


class Collector:
    """Deletes unreferenced content; safe beside clients and other collectors.

    Args:
        grace_seconds: how long doomed bytes stay: as long as signed URLs that show them live, and then some.
        at_once: how many keys are deleted at once.
    """

    def __init__(
        self, database: Database, storage: Storage, clock: Clock, *, grace_seconds: float, at_once: int = 8
    ) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._at_once = at_once

    async def run(self, watch: Watch = _go_on) -> Run:
        """Process all levels until no marked rows are left, or `watch` asks to stop.

        Raises:
            DatabaseUnavailable: the database was away for too long; the next run goes on.
        """
        run = Run()
        if await self._database.run(SYSTEM, self._clock.is_trusted):
            await self.purge(run, watch)
            await self.sweep(run, watch)
            for name, step in _LEVELS.items():
                await self._level(name, step, run, watch)
        else:
            run.held = True
        await self._delete(run, watch, find_doomed, note_gone, self._grace_seconds)
        await self._delete(run, watch, find_tombstones, forget, TOMBSTONE_SECONDS)
        return run

    async def purge(self, run: Run, watch: Watch = _go_on) -> None:
        """Purge trash whose retention has ended, in parts."""
        last: purge.Due | None = None
        while not run.stopped and (found := await self._database.run(SYSTEM, purge.find_due, last)):
            for due in found:
                if not await self._purge(due.id, run, watch):
                    return
            last = found[-1]

    async def _purge(self, act: int, run: Run, watch: Watch) -> bool:
        state: purge.State = "more" if await self._database.run(SYSTEM, purge.start_purge, act) else "waits"
        while state == "more" and not run.stopped:
            taken, state = await self._database.run(
                SYSTEM, purge.purge_some, act, lease_seconds=self._clock.lease_seconds
            )
            failpoints.point("collect.purged")
            run.gone["artifacts"] += taken
            run.gone["acts"] += state == "done"
            run.stopped = not await watch(run)
        return not run.stopped

    async def sweep(self, run: Run, watch: Watch = _go_on) -> None:
        """Remove expired uploads: cancel them, delete their bytes, delete their rows."""
        seen: set[str] = set()
        while not run.stopped:
            found = [one for one in await self._database.run(SYSTEM, upload_expiry.find_old_uploads) if one not in seen]
            for upload in found:
                seen.add(upload)
                try:
                    run.gone["uploads"] += await upload_expiry.remove_upload(self._database, self._storage, upload)
                except (StorageFull, StorageUnavailable) as problem:
                    log.warning("could not remove upload %s: %s; the next run tries again", upload, problem)
                    run.failed += 1
            if not found:
                return
            run.stopped = not await watch(run)

    async def _level(self, name: str, step: Callable[[Work, int], Batch], run: Run, watch: Watch) -> None:
        batch = Batch(BATCH, 0)
        while batch.looked == BATCH and not run.stopped:
            batch = await self._database.run(SYSTEM, step, BATCH)
            run.gone[name] += batch.gone
            run.stopped = not await watch(run)

    async def _delete(self, run: Run, watch: Watch, find: Find, note: Note, older_seconds: float) -> None:
        last: Doomed | None = None
        counts = note is note_gone
        found: list[Doomed] = []
        step = least = self._at_once * 8
        while not run.stopped:
            if not found:
                found = await self._database.run(SYSTEM, find, older_seconds, last, BATCH)
                if not found:
                    return
                last = found[-1]
            part, found = found[:step], found[step:]
            began = time.monotonic()
            failed = await self._delete_keys([one.key for one in part])
            step = BATCH if (time.monotonic() - began) * BATCH < _STEP_SECONDS * len(part) else least
            failpoints.point("collect.deleted")
            gone = [one for one in part if one.key not in failed]
            if gone:
                await self._database.run(SYSTEM, note, [one.id for one in gone])
            run.failed += len(failed)
            if counts:
                run.files += len(gone)
                run.size_bytes += sum(one.size_bytes for one in gone)
            run.stopped = not await watch(run)

    async def _delete_keys(self, keys: Sequence[str]) -> dict[str, Problem]:
        """Delete a batch of keys concurrently; return those that failed."""
        parts = [keys[start :: self._at_once] for start in range(min(self._at_once, len(keys)))]
        failed: dict[str, Problem] = {}
        for some in await asyncio.gather(*map(self._storage.delete_many, parts)):
            failed |= some
        for key, problem in failed.items():
            log.warning("could not delete %s: %s; the next run tries again", key, problem)
        return failed

"""Write denied requests to the audit log, in transactions of their own.

They are gathered in memory and written half a second later, so that a flood of wrong passwords costs one transaction
for hundreds of them and never makes anybody wait. The same refusal of the same actor from the same address within
60 s is one row with a count; the counts are those of one process. A killed process loses its last half second.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, insert, update

from moorage.audit.event_filter import LiveRules
from moorage.audit.tables import Audit
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.events import SYSTEM, Actor

WINDOW_SECONDS = 60
DELAY_SECONDS = 0.5
MAX_KINDS = 1_000
"""Different refusals remembered; beyond, those of an address become one row that says so."""

OVERFLOW = "(many)"

_INSERT = insert(Audit).returning(Audit.id)
_REPEAT = update(Audit).where(Audit.id == bindparam("row")).values(repeats=Audit.repeats + bindparam("more"))

log = logging.getLogger("moorage.audit")

_Kind = tuple[str, str, str, str, str, int | None]


@dataclass(slots=True)
class _Seen:
    """One kind of refusal.

    Attributes:
        until: monotonic seconds; a later one of this kind is a row of its own.
        row: the id of its row; None: not written yet.
        unwritten: how many are only in memory.
    """

    actor: Actor
    at: datetime
    until: float
    row: int | None = None
    unwritten: int = 0


class WrittenRefusals:
    """The `identity.refusals.Refusals` of a server. Used from one event loop."""

    def __init__(
        self, database: Database, *, rules: LiveRules | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._rules = rules or LiveRules()
        self._clock = clock
        self._seen: dict[_Kind, _Seen] = {}
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(
        self, actor: Actor, operation: str, resource_type: str, resource: str, *, project_id: int | None = None
    ) -> None:
        """See `Refusals.note`."""
        if self._rules().leaves_out(operation, resource_type):
            return
        now = self._clock()
        kind: _Kind = (f"{actor.name}\0{actor.token}", actor.address, operation, resource_type, resource, project_id)
        seen = self._seen.get(kind)
        if seen is None and len(self._seen) >= MAX_KINDS:
            self._forget(now)
            if len(self._seen) >= MAX_KINDS:
                kind = ("", actor.address, operation, resource_type, OVERFLOW, None)
                actor = Actor(credential=actor.credential, address=actor.address)
                seen = self._seen.get(kind)
        if seen is None or (now >= seen.until and not seen.unwritten):
            seen = self._seen[kind] = _Seen(actor, datetime.now(UTC), now + WINDOW_SECONDS)
        seen.unwritten += 1
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def flush(self) -> None:
        """Write what is only in memory; what cannot be written now stays there.

        Raises:
            DatabaseUnavailable, StorageFull: as `Database.run`.
        """
        batch = [(kind, seen, seen.unwritten) for kind, seen in self._seen.items() if seen.unwritten]
        if not batch:
            return
        ids = await self._database.run(SYSTEM, _write, [(kind, seen, count) for kind, seen, count in batch])
        for (_, seen, count), row in zip(batch, ids, strict=True):
            seen.row = row
            seen.unwritten -= count

    async def close(self) -> None:
        """Write the last ones."""
        self._closing.set()
        if self._writing is not None:
            await self._writing  # not cancelled: its transaction would go on in the thread, and be written twice
        await self.flush()

    async def _write_soon(self) -> None:
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), DELAY_SECONDS)
            await self.flush()
        except Problem as problem:
            log.warning("refusals are not written down yet: %s", problem)
        finally:
            self._writing = None
        if not self._closing.is_set() and any(seen.unwritten for seen in self._seen.values()):
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    def _forget(self, now: float) -> None:
        self._seen = {kind: seen for kind, seen in self._seen.items() if seen.unwritten or now < seen.until}


def _write(work: Work, batch: list[tuple[_Kind, _Seen, int]]) -> list[int]:
    """Write refusals, and return the row that each is counted in."""
    ids: list[int] = []
    for (_, _, operation, resource_type, resource, project_id), seen, count in batch:
        if seen.row is not None:
            work.db.execute(_REPEAT, {"row": seen.row, "more": count})
            ids.append(seen.row)
            continue
        row = work.db.execute(
            _INSERT,
            {
                "at": seen.at,
                "principal_id": seen.actor.principal_id,
                "principal_name": _storable(seen.actor.name)[:255],
                "credential": seen.actor.credential,
                "address": seen.actor.address[:64],
                "request_id": seen.actor.request_id[:64],
                "project_id": project_id,
                "resource_type": resource_type,
                "resource": _storable(resource),
                "operation": operation,
                "ok": False,
                "repeats": count,
                "detail": {"access_token": seen.actor.token} if seen.actor.token else {},
            },
        ).scalar_one()
        ids.append(row)
    return ids


def _storable(text: str) -> str:
    """What both databases can hold of a text that a stranger sent: one bad name must not hold up the others."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")

"""Record when accounts were last used in batches, outside the request."""

import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import bindparam, or_, update

from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.users.tables import Principal

K = TypeVar("K", int, bytes)

EVERY_SECONDS = 60
"""How exact it is: an account that comes again within a minute is not written again."""
KEPT = 10_000
_USED = (
    update(Principal)
    .where(
        Principal.id == bindparam("principal_id"),
        or_(Principal.used_at.is_(None), Principal.used_at < db_now(-EVERY_SECONDS)),
    )
    .values(used_at=db_now())
)


class UseBatch(Generic[K]):
    """What was used at this process and is not written yet, by its key. Used from one event loop."""

    __slots__ = ("_noted", "_write")

    def __init__(self, write: Callable[[Work, list[K]], None]) -> None:
        """Begin with nothing. `write`: writes keys down, in their order."""
        self._noted: set[K] = set()
        self._write: Callable[[Work, list[K]], None] = write

    def note(self, key: K) -> None:
        """It was used, now. Bounded: past 10,000 between two writes only known ones count."""
        if len(self._noted) < KEPT:
            self._noted.add(key)

    async def flush(self, database: Database) -> Sequence[K]:
        """Write what was noted, and return it; what cannot be written now stays. Twice is as good as once."""
        if not self._noted:
            return ()
        keys, self._noted = sorted(self._noted), set()
        try:
            await database.run(SYSTEM, self._write, keys)
        except BaseException:
            self._noted.update(keys)
            raise
        return keys


class UseNotes(UseBatch[int]):
    """The accounts that came to this process and are not written yet. Used from one event loop."""

    __slots__ = ("_clock", "_written")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(write_uses)
        self._clock = clock
        self._written: dict[int, float] = {}

    def note(self, principal_id: int) -> None:
        """An account was let in, now. Bounded: past 10,000 between two writes only known ones count."""
        written = self._written.get(principal_id)
        if written is None or self._clock() - written >= EVERY_SECONDS:
            super().note(principal_id)

    async def flush(self, database: Database) -> Sequence[int]:
        """Write what was noted, and remember when: an account is not noted again within the minute."""
        ids = await super().flush(database)
        now = self._clock()
        if len(self._written) + len(ids) > KEPT:
            self._written = {one: at for one, at in self._written.items() if now - at < EVERY_SECONDS}
        if len(self._written) + len(ids) <= KEPT:
            self._written.update(dict.fromkeys(ids, now))
        return ids


def write_uses(work: Work, ids: list[int]) -> None:
    """Set when these accounts were last let in, in the order of their ids."""
    work.db.execute(_USED, [{"principal_id": one} for one in ids])

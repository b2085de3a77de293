"""Record when accounts were last used in batches, outside the request."""

import time
from collections.abc import Callable

from sqlalchemy import bindparam, or_, update

from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.users.tables import Principal

EVERY_SECONDS = 60
"""How exact it is: an account that comes again within a minute is not written again."""
_KEPT = 10_000
_USED = (
    update(Principal)
    .where(
        Principal.id == bindparam("principal_id"),
        or_(Principal.used_at.is_(None), Principal.used_at < db_now(-EVERY_SECONDS)),
    )
    .values(used_at=db_now())
)


class UseNotes:
    """The accounts that came to this process and are not written yet. Used from one event loop."""

    __slots__ = ("_clock", "_noted", "_written")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: set[int] = set()
        self._written: dict[int, float] = {}

    def note(self, principal_id: int) -> None:
        """An account was let in, now. Bounded: past 10,000 between two writes only known ones count."""
        written = self._written.get(principal_id)
        if (written is None or self._clock() - written >= EVERY_SECONDS) and len(self._noted) < _KEPT:
            self._noted.add(principal_id)

    async def flush(self, database: Database) -> None:
        """Write what was noted; what cannot be written now stays for the next time. Twice is as good as once."""
        if not self._noted:
            return
        ids, self._noted = sorted(self._noted), set()
        try:
            await database.run(SYSTEM, write_uses, ids)
        except BaseException:
            self._noted.update(ids)
            raise
        now = self._clock()
        if len(self._written) + len(ids) > _KEPT:
            self._written = {one: at for one, at in self._written.items() if now - at < EVERY_SECONDS}
        if len(self._written) + len(ids) <= _KEPT:
            self._written.update(dict.fromkeys(ids, now))


def write_uses(work: Work, ids: list[int]) -> None:
    """Set when these accounts were last let in, in the order of their ids."""
    work.db.execute(_USED, [{"principal_id": one} for one in ids])

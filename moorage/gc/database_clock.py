"""Detect jumps of the database's clock, which decides when leases end."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.gc.tables import GcState

log = logging.getLogger("moorage.gc")

_JUMP = timedelta(seconds=60)
_READ = select(GcState.seen_at, GcState.held_until).where(GcState.id == 1).with_for_update()
_NOW = select(db_now())


class Clock:
    """Compares the database's time with this process's steady one, and with the latest that any run saw.

    A clock that was set forward ends leases before their time, and one that was set back and then right again does so
    later. When the two clocks part by more than a minute, or the database's runs back by as much, nothing is let go for
    one lease.
    """

    def __init__(self, lease_seconds: float, steady: Callable[[], float] = time.monotonic) -> None:
        self._lease = timedelta(seconds=lease_seconds)
        self._steady = steady
        self._last: tuple[datetime, float] | None = None
        self._lock = threading.Lock()

    @property
    def lease_seconds(self) -> float:
        """The length of a lease on an unreferenced blob."""
        return self._lease.total_seconds()

    def is_trusted(self, work: Work) -> bool:
        """Return whether leases may be ended now; records the times seen. Safe to repeat."""
        state = work.db.execute(_READ).one_or_none()
        now: datetime = work.db.execute(_NOW).scalar_one()
        with self._lock:
            jumped = self._note(now) if state is None else self._note(now) or now < state.seen_at - _JUMP
        held_until = state.held_until if state is not None else None
        if jumped:
            held_until = now + self._lease
            log.error(
                "the database's clock jumped; it says %s now. Nothing is collected until %s, since leases were "
                "promised in its time. Check the time service of the database's host.",
                now.isoformat(timespec="seconds"),
                held_until.isoformat(timespec="seconds"),
            )
        values = {"seen_at": now, "held_until": held_until}
        if state is None:
            work.db.execute(insert(GcState).values(id=1, **values))
        else:
            work.db.execute(update(GcState).where(GcState.id == 1).values(values))
        return held_until is None or held_until <= now

    def _note(self, now: datetime) -> bool:
        """Whether the two clocks have parted since the last look of this process."""
        steady = self._steady()
        last, self._last = self._last, (now, steady)
        return last is not None and abs((now - last[0]).total_seconds() - (steady - last[1])) > _JUMP.total_seconds()

"""Schedules: start executions, once for each tick, with any number of workers.

The clock is the database's. A tick that was missed, because nobody was there or the clock was set forward, is fired
once, late; ticks that fall into a pause are left out. A clock that is set back by up to an hour repeats nothing; one
that is set back further starts anew from the time it says.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal, or_, select, update

from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import CronInvalid, Problem
from moorage.events import SYSTEM, QueueChanged, ScheduleChanged
from moorage.jobs.cron import parse_cron
from moorage.jobs.queue import create_execution, enqueue_all
from moorage.jobs.tables import Pause, Schedule

log = logging.getLogger("moorage.jobs")

SCHEDULER = "SCHEDULER"
"""The queue whose pause holds all schedules. Source: the Harbor API v2.0 (actionPendingJobs)."""

_SET_BACK = timedelta(hours=1)
_BATCH = 100


# -- setting them -------------------------------------------------------------------------------------------


def set_schedule(
    work: Work,
    vendor_type: str,
    vendor_id: int = -1,
    *,
    kind: str,
    cron: str,
    job: str,
    arguments: Mapping[str, object] | None = None,
    extra: Mapping[str, object] | None = None,
) -> int:
    """Have the job start at the times of `cron`, instead of the times before; the schedule's id.

    The audit log has a row of it, unless it is a policy's: the change of the policy tells of that.

    Args:
        kind: how the client called it: Hourly, Daily, Weekly or Custom; only shown.
        extra: goes into each execution's `extra`.

    Raises:
        CronInvalid: `cron` cannot be used.
    """
    now = _read_clock(work)
    values: dict[str, Any] = {
        "kind": kind,
        "cron": cron,
        "job": job,
        "arguments": dict(arguments or {}),
        "extra": dict(extra or {}),
        "next_at": parse_cron(cron).after(now),
        "ticked_at": None,
        "updated_at": now,
    }
    one = (Schedule.vendor_type == vendor_type, Schedule.vendor_id == vendor_id)
    found = work.db.execute(update(Schedule).where(*one).values(values).returning(Schedule.id)).scalar()
    if found is None:
        new = {**values, "vendor_type": vendor_type, "vendor_id": vendor_id, "created_at": now}
        found = work.db.execute(insert(Schedule).values(new).returning(Schedule.id)).scalar_one()
    if vendor_id == -1:
        work.emit(ScheduleChanged(vendor_type, cron, values["arguments"]))
    return int(found)


def ensure_schedule(work: Work, vendor_type: str, *, cron: str, job: str) -> None:
    """Create a maintenance schedule unless it exists already. Safe to repeat."""
    if find_schedule(work, vendor_type) is None:
        set_schedule(work, vendor_type, kind="Custom", cron=cron, job=job)


def remove_schedule(work: Work, vendor_type: str, vendor_id: int = -1) -> bool:
    """Remove a schedule and return whether it existed. Running executions continue. Audited as `set_schedule`."""
    query = delete(Schedule).where(Schedule.vendor_type == vendor_type, Schedule.vendor_id == vendor_id)
    if not work.db.execute(query).rowcount:
        return False
    if vendor_id == -1:
        work.emit(ScheduleChanged(vendor_type, "", {}))
    return True


def find_schedule(work: Work, vendor_type: str, vendor_id: int = -1) -> Any | None:  # noqa: ANN401 - a row
    """The row of a schedule, or None."""
    query = select(Schedule).where(Schedule.vendor_type == vendor_type, Schedule.vendor_id == vendor_id)
    return work.db.execute(query).one_or_none()


def list_schedules(work: Work, *, offset: int, limit: int) -> tuple[list[Any], int]:
    """A page of schedules in the order of their ids, and how many there are."""
    rows = list(work.db.execute(select(Schedule).order_by(Schedule.id).offset(offset).limit(limit)))
    return rows, work.db.execute(select(func.count()).select_from(Schedule)).scalar_one()


# -- pausing ------------------------------------------------------------------------------------------------


def pause(work: Work, vendor_type: str) -> None:
    """Take up no task of this vendor type any more; of `SCHEDULER`: start nothing by schedule. Safe to repeat."""
    if not is_paused(work, vendor_type):
        work.db.execute(insert(Pause).values(vendor_type=vendor_type, at=db_now()))
        work.emit(QueueChanged(vendor_type, "pause"))


def resume(work: Work, vendor_type: str) -> None:
    """Go on. Schedules go on with their next tick: those of the pause are left out."""
    if not work.db.execute(delete(Pause).where(Pause.vendor_type == vendor_type)).rowcount:
        return
    work.emit(QueueChanged(vendor_type, "resume"))
    if vendor_type == SCHEDULER:
        now = _read_clock(work)
        for row in work.db.execute(select(Schedule).where(Schedule.next_at <= now).with_for_update()).all():
            _set_next(work, row, now, row.next_at)


def is_paused(work: Work, vendor_type: str) -> bool:
    """Whether a queue, or the scheduler, is paused."""
    return work.db.execute(select(literal(1)).where(Pause.vendor_type == vendor_type)).first() is not None


# -- firing -------------------------------------------------------------------------------------------------

# A row that was written in the future was so before the clock was set back.
_DUE = or_(Schedule.next_at <= db_now(), Schedule.updated_at > db_now(60.0))
_IS_PAUSED = select(literal(1)).where(Pause.vendor_type == SCHEDULER).exists()
_FIND_DUE = select(Schedule.id).where(_DUE, ~_IS_PAUSED).order_by(Schedule.next_at).limit(_BATCH)
_TAKE = select(Schedule).where(Schedule.id == bindparam("id"), _DUE).with_for_update(skip_locked=True)


async def fire_all(database: Database) -> int:
    """Start all due executions and return how many. Safe with concurrent callers."""
    fired = 0
    for schedule_id in await database.look(_list_due):
        try:
            fired += await database.run(SYSTEM, fire, schedule_id)
        except Problem:
            raise
        except Exception:
            log.exception("the schedule %d could not be fired; the others go on", schedule_id)
    return fired


def _list_due(work: Work) -> list[int]:
    return list(work.db.scalars(_FIND_DUE))


def fire(work: Work, schedule_id: int) -> bool:
    """Start the execution of a schedule, if its tick is due and nobody else has done it; whether it was started.

    The row's lock, and what it says behind it, decide between two who look at the same time.
    """
    row = work.db.execute(_TAKE, {"id": schedule_id}).one_or_none()
    if row is None:
        return False
    now = _read_clock(work)
    is_due = row.next_at is not None and row.next_at <= now
    _set_next(work, row, now, row.next_at if is_due else row.ticked_at)
    if is_due:
        execution_id = create_execution(
            work, row.vendor_type, vendor_id=row.vendor_id, trigger="SCHEDULE", extra=row.extra
        )
        enqueue_all(work, row.job, [row.arguments], execution_id=execution_id)
    return is_due


def _set_next(work: Work, row: Any, now: datetime, ticked_at: datetime | None) -> None:  # noqa: ANN401 - a row
    """Find the tick after this one: later than now, and than any that was fired an hour from now at most."""
    since = now
    if ticked_at is not None and now < ticked_at <= now + _SET_BACK:
        since = ticked_at
    try:
        next_at = parse_cron(row.cron).after(since)
    except CronInvalid as problem:  # nobody can have set it
        log.error("the schedule %d is broken and starts nothing: %s", row.id, problem)  # noqa: TRY400 - no traceback
        next_at = None
    values = {"next_at": next_at, "ticked_at": ticked_at, "updated_at": now}
    work.db.execute(update(Schedule).where(Schedule.id == row.id).values(values))


def _read_clock(work: Work) -> datetime:
    now: datetime = work.db.execute(select(db_now())).scalar_one()
    return now

"""Pulls, pushes and held bytes of projects by day, for charts.

Nothing of it is on the way of a pull or a push. What they did is added up in memory, from the events of transactions
that were committed, and written every ten seconds in a transaction of its own: a kill loses at most those. So is when
each project and repository was last pushed to. Held bytes are looked at now and then; a row is written where they have
changed. Any number of processes may do both.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, Insert, Integer, Update, bindparam, cast, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.events import SYSTEM, ArtifactsPulled, ManifestPushed
from moorage.logs import with_cause
from moorage.projects.tables import Project
from moorage.quotas.tables import QuotaSlot
from moorage.repositories.tables import ProjectDay, Repository, TotalDay
from moorage.storage.body_writer import settle

log = logging.getLogger("moorage.usage")

KEPT_DAYS = 1_100
"""Three years and a little: how long a day is kept, and how many one question may span."""

FLUSH_SECONDS = 10.0
SAMPLE_SECONDS = 600.0

Pushed = dict[tuple[type[Repository] | type[Project], int], datetime]
"""When something was last pushed, by what it was pushed to, and its id."""

By = Literal["day", "week", "month"]
_EPOCH = date(1970, 1, 1)


class Period(msgspec.Struct, frozen=True):
    """A day, a week from Monday, or a month, as far as it was asked for.

    Attributes:
        start: its first day that was asked for.
        held_bytes: at its end, as last looked at; None: not known yet.
    """

    start: date
    pulls: int
    pushes: int
    held_bytes: int | None


def day_of(moment: datetime) -> int:
    """The day of a moment, in UTC, as the tables have it."""
    return number_of(moment.astimezone(UTC).date())


def number_of(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


# -- statements -------------------------------------------------------------------------------------------

_DAY: Any = bindparam("day", type_=Integer)
_COUNTS = (cast(bindparam("pulled"), BigInteger), cast(bindparam("pushed"), BigInteger))
# From a select: a project that is gone meanwhile leaves no row.
_OF_PROJECT = select(Project.id, cast(_DAY, Integer), *_COUNTS).where(Project.id == bindparam("project"))


def _adding_to_project(insert: Any) -> Insert:  # noqa: ANN401 - of either dialect
    made = insert(ProjectDay).from_select(["project_id", "day", "pulls", "pushes"], _OF_PROJECT)
    statement: Insert = made.on_conflict_do_update(
        index_elements=["project_id", "day"],
        set_={"pulls": ProjectDay.pulls + made.excluded.pulls, "pushes": ProjectDay.pushes + made.excluded.pushes},
    )
    return statement


def _adding_to_all(insert: Any) -> Insert:  # noqa: ANN401 - of either dialect
    made = insert(TotalDay).values(day=_DAY, pulls=bindparam("pulled"), pushes=bindparam("pushed"))
    statement: Insert = made.on_conflict_do_update(
        index_elements=["day"],
        set_={"pulls": TotalDay.pulls + made.excluded.pulls, "pushes": TotalDay.pushes + made.excluded.pushes},
    )
    return statement


def _pushing(table: type[Project] | type[Repository]) -> Update:
    at = bindparam("at", type_=table.pushed_at.type)
    later = or_(table.pushed_at.is_(None), table.pushed_at < at)
    return update(table).where(table.id == bindparam("one"), later).values(pushed_at=at)


# In the order in which a push locks them.
_PUSHED = tuple((table, _pushing(table)) for table in (Repository, Project))

_INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_ADD = {name: _adding_to_project(insert) for name, insert in _INSERTS.items()}
_ADD_TO_ALL = {name: _adding_to_all(insert) for name, insert in _INSERTS.items()}

_USED = (
    select(QuotaSlot.project_id, cast(func.sum(QuotaSlot.used_bytes), BigInteger).label("used"))
    .group_by(QuotaSlot.project_id)
    .subquery("held")
)
_LAST = (
    select(ProjectDay.held_bytes)
    .where(ProjectDay.project_id == _USED.c.project_id, ProjectDay.held_bytes.is_not(None))
    .order_by(ProjectDay.day.desc())
    .limit(1)
    .scalar_subquery()
)
_CHANGED = (
    select(_USED.c.project_id, cast(_DAY, Integer), _USED.c.used)
    .where(_USED.c.used.is_distinct_from(_LAST))
    .order_by(_USED.c.project_id)
)
_TOTAL = select(cast(func.coalesce(func.sum(QuotaSlot.used_bytes), 0), BigInteger))
_LAST_TOTAL = select(TotalDay.held_bytes).where(TotalDay.held_bytes.is_not(None)).order_by(TotalDay.day.desc()).limit(1)


def _noting(insert: Any) -> Insert:  # noqa: ANN401 - of either dialect
    made = insert(ProjectDay).from_select(["project_id", "day", "held_bytes"], _CHANGED)
    statement: Insert = made.on_conflict_do_update(
        index_elements=["project_id", "day"], set_={"held_bytes": made.excluded.held_bytes}
    )
    return statement


def _noting_total(insert: Any) -> Insert:  # noqa: ANN401 - of either dialect
    made = insert(TotalDay).values(day=_DAY, held_bytes=bindparam("held"))
    statement: Insert = made.on_conflict_do_update(
        index_elements=["day"], set_={"held_bytes": made.excluded.held_bytes}
    )
    return statement


_NOTE = {name: _noting(insert) for name, insert in _INSERTS.items()}
_NOTE_TOTAL = {name: _noting_total(insert) for name, insert in _INSERTS.items()}

# The last known bytes stay, however old: they hold until they change.
_LATER = ProjectDay.__table__.alias("later")
_FORGET = delete(ProjectDay).where(
    ProjectDay.day < _DAY,
    exists(
        select(_LATER.c.day).where(
            _LATER.c.project_id == ProjectDay.project_id, _LATER.c.day > ProjectDay.day, _LATER.c.day <= _DAY,
            _LATER.c.held_bytes.is_not(None),
        )
    ),
)  # fmt: skip

_FIRST, _LAST_DAY = bindparam("first", type_=Integer), bindparam("last", type_=Integer)
_ROWS = (
    select(ProjectDay.day, ProjectDay.pulls, ProjectDay.pushes, ProjectDay.held_bytes)
    .where(ProjectDay.project_id == bindparam("project"), ProjectDay.day.between(_FIRST, _LAST_DAY))
    .order_by(ProjectDay.day)
)
_BEFORE = (
    select(ProjectDay.held_bytes)
    .where(
        ProjectDay.project_id == bindparam("project"), ProjectDay.day < _FIRST, ProjectDay.held_bytes.is_not(None)
    )
    .order_by(ProjectDay.day.desc())
    .limit(1)
)  # fmt: skip
_ROWS_OF_ALL = (
    select(TotalDay.day, TotalDay.pulls, TotalDay.pushes, TotalDay.held_bytes)
    .where(TotalDay.day.between(_FIRST, _LAST_DAY))
    .order_by(TotalDay.day)
)
_BEFORE_OF_ALL = _LAST_TOTAL.where(TotalDay.day < _FIRST)


# -- writing ----------------------------------------------------------------------------------------------


class DayNotes:
    """Pulls and pushes of this process that are not written yet. Transactions note from their own threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[int, int], list[int]] = {}
        self._pushed: Pushed = {}

    def on_pushed(self, work: Work, event: ManifestPushed) -> None:
        """Count a push, once it is committed."""
        counted = {(event.project_id, day_of(work.now)): [0, 1]}
        pushed: Pushed = {(Repository, event.repository_id): work.now, (Project, event.project_id): work.now}
        work.after.append(partial(self._add, counted, pushed))

    def on_pulled(self, work: Work, event: ArtifactsPulled) -> None:
        """Count a batch of pulls, once it is written."""
        counted: dict[tuple[int, int], list[int]] = {}
        for pulled in event.pulls:
            counted.setdefault((pulled.project_id, day_of(pulled.at)), [0, 0])[0] += pulled.count
        work.after.append(partial(self._add, counted, {}))

    def _add(self, counted: dict[tuple[int, int], list[int]], pushed: Pushed) -> None:
        with self._lock:
            for one, at in pushed.items():
                self._pushed[one] = max(at, self._pushed.get(one, at))
            for key, (pulls, pushes) in counted.items():
                held = self._counts.setdefault(key, [0, 0])
                held[0] += pulls
                held[1] += pushes

    async def flush(self, database: Database) -> None:
        """Write what was noted; what cannot be written now stays for the next time.

        Runs to its end when this task is cancelled, as `pulled.PullNotes.flush`.
        """
        with self._lock:
            counted, self._counts = self._counts, {}
            pushed, self._pushed = self._pushed, {}
        if not counted:
            return
        writing = asyncio.ensure_future(database.run(SYSTEM, write_counts, counted, pushed))
        try:
            await settle(writing)
        finally:
            if writing.cancelled() or writing.exception() is not None:
                self._add(counted, pushed)


def write_counts(work: Work, counted: dict[tuple[int, int], list[int]], pushed: Pushed | None = None) -> None:
    """Add pulls and pushes, by project and day, to their rows, in one order for all who do.

    Args:
        pushed: when something was last pushed to repositories and projects.
    """
    for kind, statement in _PUSHED:  # before the days, as who deletes a project does
        times = sorted((one, at) for (table, one), at in (pushed or {}).items() if table is kind)
        if times:
            work.db.execute(statement, [{"one": one, "at": at} for one, at in times])
    rows = [
        {"project": project, "day": day, "pulled": pulls, "pushed": pushes}
        for (project, day), (pulls, pushes) in sorted(counted.items())
    ]
    totals: dict[int, list[int]] = {}
    for (_, day), (pulls, pushes) in counted.items():
        total = totals.setdefault(day, [0, 0])
        total[0] += pulls
        total[1] += pushes
    work.db.execute(_ADD[work.db.dialect.name], rows)
    work.db.execute(
        _ADD_TO_ALL[work.db.dialect.name],
        [{"day": day, "pulled": pulls, "pushed": pushes} for day, (pulls, pushes) in sorted(totals.items())],
    )


def sample(work: Work) -> None:
    """Note how many bytes each project holds, where that has changed; forget days that are too old. Safe to repeat."""
    today = day_of(work.now)
    work.db.execute(_NOTE[work.db.dialect.name], {"day": today})
    total = work.db.scalar(_TOTAL) or 0
    if total != work.db.scalar(_LAST_TOTAL):
        work.db.execute(_NOTE_TOTAL[work.db.dialect.name], {"day": today, "held": total})
    work.db.execute(_FORGET, {"day": today - KEPT_DAYS})


async def keep_days(
    notes: DayNotes, database: Database, *, flush_seconds: float = FLUSH_SECONDS, sample_seconds: float = SAMPLE_SECONDS
) -> None:
    """Write what was noted, and look at what is held, now and then, until cancelled."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await asyncio.sleep(flush_seconds)
        try:
            await notes.flush(database)
            if loop.time() >= due:
                await database.run(SYSTEM, sample)
                due = loop.time() + sample_seconds
        except Problem as problem:
            log.warning("the figures of the day could not be written yet: %s", with_cause(problem))


# -- reading ----------------------------------------------------------------------------------------------


def list_periods(work: Work, project_id: int | None, first: date, last: date, by: By) -> list[Period]:
    """What happened from `first` to `last`, both included, without gaps. Two statements.

    Args:
        project_id: None: all projects together.
        last: at most `KEPT_DAYS` after `first`.
    """
    span = {"project": project_id, "first": number_of(first), "last": number_of(last)}
    rows = work.db.execute(_ROWS if project_id is not None else _ROWS_OF_ALL, span).all()
    held = work.db.scalar(_BEFORE if project_id is not None else _BEFORE_OF_ALL, span)
    return fold([(row[0], row[1], row[2], row[3]) for row in rows], held, first, last, by)


def fold(
    rows: Sequence[tuple[int, int, int, int | None]], held: int | None, first: date, last: date, by: By
) -> list[Period]:
    """Rows of days, as (day, pulls, pushes, held bytes), added up; `held` is what was held before the first day."""
    found = {row[0]: row for row in rows}
    periods: list[Period] = []
    start, pulls, pushes = first, 0, 0
    day = first
    while day <= last:
        _, more_pulls, more_pushes, now = found.get(number_of(day), (0, 0, 0, None))
        pulls, pushes, held = pulls + more_pulls, pushes + more_pushes, held if now is None else now
        following = day + timedelta(days=1)
        if following > last or _begins(following, by):
            periods.append(Period(start, pulls, pushes, held))
            start, pulls, pushes = following, 0, 0
        day = following
    return periods


def _begins(day: date, by: By) -> bool:
    """Whether a period begins with this day."""
    return by == "day" or (by == "week" and day.weekday() == 0) or (by == "month" and day.day == 1)

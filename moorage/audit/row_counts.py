"""Count audit rows exactly, without a counter that every change would lock.

Rows up to a mark are counted per project in `audit_count`; those above it, a few thousand at most, are counted when
asked. Now and then the mark moves up. It may only pass ids below which no row can appear any more. On SQLite, with one
writer, that is every id. On PostgreSQL an id is drawn before its row is seen: so the newest id is remembered, and
passed once a minute is over and each transaction that ran then has ended. A statement is stopped after 30 s, so one
that drew an id before it showed in the list of running transactions cannot still insert its row after a minute.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, insert, literal_column, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from moorage.audit.tables import Audit, AuditCount, AuditMark, AuditPart, AuditSpan
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.events import SYSTEM

FOLD_FROM = 1_000
"""Rows above the mark from which on it is worth a transaction to move it."""

FOLD_AT_ONCE = 100_000
EVERY_SECONDS = 10.0
SETTLE_SECONDS = 60

log = logging.getLogger("moorage.audit")

MARK = select(func.coalesce(func.max(AuditMark.upto), 0)).scalar_subquery()
_FAR: ColumnElement[int] = literal_column(str(2**62))
# With an upper bound, too, or PostgreSQL takes it for a third of the table and plans for that.
ABOVE_MARK = (Audit.id > MARK, Audit.id < MARK + _FAR)
# Not the column itself: so that the few rows above the mark are visited by their ids, and not the project's by theirs.
PROJECT = func.coalesce(Audit.project_id, literal_column("0"))
PART_BITS = 14
PART = Audit.id.bitwise_rshift(literal_column(str(PART_BITS)))
"""The part of the log that a row is in: what `parts.py` skips."""

_SETTLED = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_TO_COME = text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")


def total(
    projects: Any = None,  # noqa: ANN401 - what SQL's IN takes
    *,
    only_done: bool = False,
) -> Select[int]:
    """The statement that counts rows, or those of some projects: its work does not grow with the table.

    Args:
        projects: what SQL's IN takes: a bound list of ids (0: rows of no project), or a select of them. None: all rows.
        only_done: without refusals.
    """
    counted = AuditCount.rows - AuditCount.refused if only_done else AuditCount.rows
    below = select(func.coalesce(func.sum(counted), 0))
    above = select(func.count()).select_from(Audit).where(*ABOVE_MARK)
    if projects is not None:
        below = below.where(AuditCount.project_id.in_(projects))
        above = above.where(PROJECT.in_(projects))
    if only_done:
        above = above.where(Audit.ok)
    return select(below.scalar_subquery() + above.scalar_subquery())


def fold(work: Work) -> bool:
    """Move the mark up by at most 100,000 ids. Safe to repeat, and for several at once. False: nothing left to do.

    Cost: with 100,000 rows some 30 ms.
    """
    mark = work.db.execute(
        select(AuditMark.upto, AuditMark.candidate, AuditMark.candidate_xmax, AuditMark.candidate_at)
        .where(AuditMark.id == 1)
        .with_for_update()
    ).one_or_none()
    if mark is None:
        work.db.execute(insert(AuditMark).values(id=1, upto=0))
        upto, settled = 0, None
    else:
        upto, settled = mark[0], _settled(work, mark[1], mark[2], mark[3])
    newest = work.db.scalar(select(func.max(Audit.id))) or 0
    if work.db.dialect.name == "sqlite":
        settled = newest
    elif settled is not None or mark is None or mark[1] is None:
        values = {"candidate": newest, "candidate_xmax": work.db.scalar(_TO_COME), "candidate_at": db_now()}
        if settled is not None and settled > upto + FOLD_AT_ONCE:
            values = {}  # the same candidate serves the next round
        if values:
            work.db.execute(update(AuditMark).where(AuditMark.id == 1).values(**values))
    if settled is None or settled <= upto:
        return False
    to = min(settled, upto + FOLD_AT_ONCE)
    _add(work, Audit.id.between(upto + 1, to), 1)
    work.db.execute(update(AuditMark).where(AuditMark.id == 1).values(upto=to))
    return settled > to


def delete_rows(work: Work, condition: ColumnElement[bool]) -> int:
    """Delete rows, subtract them from the totals and return how many."""
    mark = work.db.scalar(select(AuditMark.upto).where(AuditMark.id == 1).with_for_update())
    if mark is not None:
        _add(work, condition & (Audit.id <= mark), -1)
    return work.db.execute(delete(Audit).where(condition)).rowcount


def _settled(
    work: Work, candidate: int | None, candidate_xmax: int | None, candidate_at: datetime | None
) -> int | None:
    """The candidate, once no row up to it can appear any more."""
    if candidate is None or candidate_xmax is None or candidate_at is None:
        return None
    now = work.db.scalar(select(db_now()))
    if now is None or now - candidate_at < timedelta(seconds=SETTLE_SECONDS):
        return None
    oldest = work.db.scalar(_SETTLED)
    return candidate if oldest is not None and oldest >= candidate_xmax else None


def _add(work: Work, condition: ColumnElement[bool], sign: int) -> None:
    """Add the number of rows to those of their projects and parts, or take it away.

    In the order of ids, so nobody deadlocks.
    """
    found = work.db.execute(
        select(
            PROJECT, PART, func.count(), func.sum(case((Audit.ok, 0), else_=1)), func.min(Audit.at), func.max(Audit.at)
        )
        .where(condition)
        .group_by(PROJECT, PART)
        .order_by(PROJECT, PART)
    ).all()
    parts: list[dict[str, Any]] = []
    projects: dict[int, dict[str, Any]] = {}
    spans: dict[int, dict[str, Any]] = {}
    for project, part, rows, refused, first, last in found:
        counted = {"rows": sign * rows, "refused": sign * refused}
        parts.append({"project_id": project, "part": part, **counted})
        whole = projects.setdefault(project, {"project_id": project, "rows": 0, "refused": 0})
        span = spans.setdefault(part, {"part": part, "rows": 0, "refused": 0, "first_at": first, "last_at": last})
        for one in (whole, span):
            one["rows"] += counted["rows"]
            one["refused"] += counted["refused"]
        span["first_at"], span["last_at"] = min(span["first_at"], first), max(span["last_at"], last)
    if not found:
        return
    _write(work, AuditCount, list(projects.values()))
    _write(work, AuditPart, parts)
    _write(work, AuditSpan, [spans[part] for part in sorted(spans)])
    if sign < 0:
        for table in (AuditPart, AuditSpan):
            work.db.execute(delete(table).where(table.part.in_(list(spans)), table.rows == 0))


def _write(work: Work, table: Any, rows: list[dict[str, Any]]) -> None:  # noqa: ANN401 - one of the tables of counts
    """Add rows to what is there under their keys; a span is widened."""
    made: Any = (sqlite if work.db.dialect.name == "sqlite" else postgresql).insert(table)
    changed = {name: getattr(table, name) + made.excluded[name] for name in ("rows", "refused")}
    if table is AuditSpan:
        least, greatest = (func.min, func.max) if work.db.dialect.name == "sqlite" else (func.least, func.greatest)
        changed["first_at"] = least(AuditSpan.first_at, made.excluded.first_at)
        changed["last_at"] = greatest(AuditSpan.last_at, made.excluded.last_at)
    keys = [column.name for column in table.__table__.primary_key]
    work.db.execute(made.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def _above_mark(work: Work) -> int:
    """About how many rows are above the mark: ids, so no more than that."""
    found: int = work.db.scalar(select(func.coalesce(func.max(Audit.id), 0) - MARK)) or 0
    return found


async def keep_counts(database: Database, *, every_seconds: float = EVERY_SECONDS) -> None:
    """Move the mark up now and then, until cancelled. Any number of processes may."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            if await database.look(_above_mark) >= FOLD_FROM:
                while await database.run(SYSTEM, fold):  # noqa: ASYNC110 - nobody is waited for, others get a turn
                    await asyncio.sleep(0.2)
        except Problem as problem:
            log.warning("audit rows could not be counted: %s", problem)

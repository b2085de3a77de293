"""The number of rows is exact at each moment, also beside transactions that are not over."""

import random
import threading
from collections.abc import Iterable
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from moorage.audit import row_counts
from moorage.audit.row_counts import delete_rows, fold, total
from moorage.audit.tables import Audit, AuditCount, AuditMark
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from tests.api.identity.conftest import World

PROJECTS = (None, 1, 2, 3)


def add(work: Work, rows: Iterable[tuple[int | None, bool]]) -> None:
    common = {"at": work.now, "resource_type": "thing", "operation": "create", "resource": "x"}
    made = [{**common, "project_id": project, "ok": ok} for project, ok in rows]
    if made:
        work.db.execute(insert(Audit), made)


def count(work: Work, projects: list[int] | None, only_done: bool) -> int:
    if projects is None:
        return work.db.scalar(total(only_done=only_done)) or 0
    return work.db.scalar(total(projects, only_done=only_done)) or 0


def count_honestly(work: Work, projects: list[int] | None, only_done: bool) -> int:
    statement = select(func.count()).select_from(Audit)
    if projects is not None:
        statement = statement.where(func.coalesce(Audit.project_id, 0).in_(projects))
    return work.db.scalar(statement.where(Audit.ok) if only_done else statement) or 0


def assert_exact(database: Database) -> None:
    def story(work: Work) -> None:
        for projects in (None, [0], [1], [2, 3], [0, 1, 2, 3], [9]):
            for only_done in (False, True):
                assert count(work, projects, only_done) == count_honestly(work, projects, only_done)

    database.look_here(story)


def age(work: Work) -> None:
    """Let a minute pass for the candidate."""
    work.db.execute(update(AuditMark).values(candidate_at=db_now(-61)))


def mark(database: Database) -> int:
    return database.look_here(lambda work: work.db.scalar(select(AuditMark.upto)) or 0)


def fold_all(database: Database) -> None:
    for _ in range(2):  # PostgreSQL: one to take a candidate, one to pass it
        database.run_here(SYSTEM, age)
        while database.run_here(SYSTEM, fold):
            database.run_here(SYSTEM, age)


async def test_counts_are_exact_whatever_is_added_deleted_and_folded(world: World, deep: bool) -> None:
    dice = random.Random(20_260_301 if not deep else None)
    database = world.database
    for _ in range(200 if deep else 25):
        rows = [(dice.choice(PROJECTS), dice.random() < 0.8) for _ in range(dice.randint(0, 40))]
        database.run_here(SYSTEM, add, rows)
        if dice.random() < 0.5:
            database.run_here(SYSTEM, fold)
        if dice.random() < 0.5:
            database.run_here(SYSTEM, age)
        if dice.random() < 0.4:
            low = dice.randint(1, 500)
            database.run_here(SYSTEM, delete_rows, Audit.id.between(low, low + dice.randint(0, 60)))
        assert_exact(database)
    fold_all(database)
    assert_exact(database)
    assert mark(database) > 0


async def test_a_mark_moves_in_steps_of_bounded_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_counts, "FOLD_AT_ONCE", 10)
    world.database.run_here(SYSTEM, add, [(1, True)] * 35)
    fold_all(world.database)
    assert mark(world.database) >= 35
    assert_exact(world.database)


async def test_an_empty_log_has_no_rows(world: World) -> None:
    world.database.run_here(SYSTEM, delete_rows, Audit.id > 0)
    assert world.database.look_here(count, None, False) == 0
    world.database.run_here(SYSTEM, fold)
    assert_exact(world.database)


async def test_the_mark_waits_for_a_row_whose_id_is_drawn_but_not_committed(world: World) -> None:
    database = world.database
    if database.kind == "sqlite":
        return  # one writer: nobody else can be in the middle of a transaction, see the next test
    drawn, leave = threading.Event(), threading.Event()

    def slow(work: Work) -> None:
        add(work, [(1, True)])
        drawn.set()
        assert leave.wait(20)

    writer = threading.Thread(target=database.run_here, args=(SYSTEM, slow))
    writer.start()
    assert drawn.wait(20)
    database.run_here(SYSTEM, add, [(1, True)] * 20)  # higher ids, committed earlier
    for _ in range(3):
        database.run_here(SYSTEM, fold)
        database.run_here(SYSTEM, age)
    assert mark(database) == 0
    assert_exact(database)

    leave.set()
    writer.join()
    fold_all(database)
    assert mark(database) > 20
    assert_exact(database)


async def test_the_mark_waits_a_minute_where_more_than_one_writes(world: World) -> None:
    world.database.run_here(SYSTEM, add, [(1, True)] * 20)
    for _ in range(3):
        world.database.run_here(SYSTEM, fold)
    if world.database.kind == "sqlite":
        assert mark(world.database) >= 20
        return
    assert mark(world.database) == 0
    world.database.run_here(SYSTEM, age)
    world.database.run_here(SYSTEM, fold)
    assert mark(world.database) >= 20
    assert timedelta(seconds=row_counts.SETTLE_SECONDS) >= timedelta(seconds=2 * 30)  # twice a statement's time


async def test_rows_of_no_project_are_counted_as_project_0(world: World) -> None:
    world.database.run_here(SYSTEM, delete_rows, Audit.id > 0)
    world.database.run_here(SYSTEM, add, [(None, True), (None, False), (7, True)])
    fold_all(world.database)
    columns = (AuditCount.project_id, AuditCount.rows, AuditCount.refused)
    statement = select(*columns).where(AuditCount.rows > 0).order_by(AuditCount.project_id)
    stored = world.run(lambda work: [tuple(row) for row in work.db.execute(statement)])
    assert stored == [(0, 2, 1), (7, 1, 0)]

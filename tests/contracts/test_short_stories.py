"""What a database promises to short stories that run at once, on both databases; on SQLite they share commits."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event, text

from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import DatabaseUnavailable, NotFound, Problem
from moorage.events import SYSTEM


@pytest.fixture
def database(empty: Database) -> Database:
    """A database with one empty table."""
    with empty.engine.begin() as connection:
        connection.execute(text("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"))
    return empty


def add(work: Work, number: int) -> int:
    work.db.execute(text("INSERT INTO word VALUES (:id, 'word')"), {"id": number})
    return number


def fail(work: Work, number: int) -> None:
    add(work, number)
    raise NotFound


def numbers(work: Work) -> list[int]:
    return list(work.db.scalars(text("SELECT id FROM word ORDER BY id")))


async def all_behind_a_slow_one(
    database: Database, *stories: tuple[Callable[..., object], int]
) -> list[object | BaseException]:
    """Run short stories that all wait while another one keeps the writer busy."""
    began, go_on = threading.Event(), threading.Event()

    def slow(work: Work) -> None:
        work.db.execute(text("SELECT 1"))
        began.set()
        assert go_on.wait(30)

    first = asyncio.ensure_future(database.run(SYSTEM, slow))
    await asyncio.to_thread(began.wait, 30)
    waiting = [asyncio.ensure_future(database.run_short(SYSTEM, story, number)) for story, number in stories]
    await asyncio.sleep(0)
    go_on.set()
    await first
    return await asyncio.gather(*waiting, return_exceptions=True)


def count_commits(database: Database) -> list[int]:
    commits: list[int] = []
    event.listen(database.engine, "commit", lambda _: commits.append(1))
    return commits


async def test_all_are_answered_and_all_is_written(database: Database) -> None:
    commits = count_commits(database)
    assert await all_behind_a_slow_one(database, *((add, number) for number in range(10))) == list(range(10))
    assert await database.run(SYSTEM, numbers) == list(range(10))
    if database.kind == "sqlite":
        assert len(commits) == 3  # the slow one's, one for all ten, the last look's


async def test_one_that_fails_takes_nothing_of_the_others_with_it(database: Database) -> None:
    found = await all_behind_a_slow_one(database, (add, 1), (fail, 2), (add, 3))
    assert (found[0], found[2]) == (1, 3)
    assert isinstance(found[1], NotFound)
    assert await database.run(SYSTEM, numbers) == [1, 3]


async def test_a_conflict_is_told_to_the_one_that_has_it(database: Database) -> None:
    found = await all_behind_a_slow_one(database, (add, 1), (add, 1), (add, 2))
    assert sorted(map(str, (one for one in found if isinstance(one, int)))) == ["1", "2"]
    assert [type(one) for one in found if not isinstance(one, int)] == [DatabaseUnavailable]
    assert await database.run(SYSTEM, numbers) == [1, 2]


async def test_what_was_refused_is_tried_again_where_the_cause_is_taken_away(database: Database) -> None:
    relieved: list[Problem] = []

    def refused_once(work: Work, number: int) -> int:
        if not relieved:
            raise NotFound
        return add(work, number)

    def relieve(problem: Problem) -> bool:
        relieved.append(problem)
        return True

    database.relieve = relieve
    assert await all_behind_a_slow_one(database, (add, 1), (refused_once, 2)) == [1, 2]
    assert len(relieved) == 1


async def test_bells_ring_after_the_commit_and_only_once(database: Database) -> None:
    seen: list[list[int]] = []

    def ringing(work: Work, number: int) -> None:
        add(work, number)
        work.after.append(lambda: seen.append(database.look_here(numbers)))

    await all_behind_a_slow_one(database, (ringing, 1), (ringing, 2), (fail, 3))
    assert len(seen) == 2
    assert all(number in seen[-1] for number in (1, 2))


async def test_nobody_is_answered_before_another_process_sees_the_row(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/test.db")
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"))
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)

    async def one(number: int) -> None:
        await database.run_short(SYSTEM, add, number)
        assert other.execute("SELECT count(*) FROM word WHERE id = ?", (number,)).fetchone() == (1,)

    await asyncio.gather(*map(one, range(200)))
    other.close()
    await database.close()


async def test_a_commit_that_fails_refuses_all_of_them_and_leaves_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/test.db")
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"))
        connection.execute(
            text("CREATE TABLE child (id INTEGER PRIMARY KEY REFERENCES word (id) DEFERRABLE INITIALLY DEFERRED)")
        )

    def orphan(work: Work, number: int) -> int:
        work.db.execute(text("INSERT INTO child VALUES (:id)"), {"id": number})  # only the commit finds it
        return number

    found = await all_behind_a_slow_one(database, (add, 1), (orphan, 99), (add, 2))
    assert (found[0], found[2]) == (1, 2)
    assert isinstance(found[1], DatabaseUnavailable)
    assert await database.run(SYSTEM, numbers) == [1, 2]
    await database.close()


async def test_a_cancelled_one_leaves_the_others_alone(database: Database) -> None:
    async def cancelled() -> None:
        waiting = asyncio.ensure_future(database.run_short(SYSTEM, add, 9))
        await asyncio.sleep(0)
        waiting.cancel()

    results = asyncio.ensure_future(all_behind_a_slow_one(database, (add, 1), (add, 2)))
    await cancelled()
    assert await results == [1, 2]

"""Reads of the fast lane on PostgreSQL: many in one round trip, and what one of them leaves to the others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import text

from moorage.db.engine import Database
from moorage.db.query_execution import AT_ONCE
from moorage.db.statements import Query
from moorage.errors import DatabaseUnavailable

pytestmark = pytest.mark.part("postgres")

PID = Query("SELECT pg_backend_pid()")
NEXT = Query("SELECT $1::int + 1, pg_backend_pid()")
DIVIDE = Query("SELECT 12 / $1::int")
SLEEP = Query("SELECT $1::int, pg_backend_pid(), pg_sleep($2::float8)")


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """A database with one table."""
    made = Database(postgres_url, pool_size=4)
    with made.engine.begin() as connection:
        connection.execute(text("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL, more JSONB)"))
        connection.execute(text("INSERT INTO word VALUES (1, 'one', '{\"a\": [1]}')"))
    yield made
    await made.close()


def end(database: Database, *pids: int) -> None:
    """Have the server end sessions."""
    with database.engine.connect() as other:
        for pid in pids:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


async def test_what_is_asked_at_once_goes_over_one_connection_in_one_round_trip(database: Database) -> None:
    await database.read.one(PID)
    found = await asyncio.gather(*(database.read.one(NEXT, number) for number in range(AT_ONCE)))
    assert [row[0] for row in found if row] == list(range(1, AT_ONCE + 1))
    assert len({row[1] for row in found if row}) == 1


async def test_one_that_fails_fails_alone(database: Database) -> None:
    for _ in range(2):  # prepared with its first run, and known from then on
        found = await asyncio.gather(
            *(database.read.one(DIVIDE, number) for number in (1, 2, 0, 3, 0, 4)), return_exceptions=True
        )
        assert [row for row in found if not isinstance(row, BaseException)] == [(12,), (6,), (4,), (3,)]
        assert [type(row) for row in found if isinstance(row, BaseException)] == [psycopg.errors.DivisionByZero] * 2
    wrong = Query("SELECT nothing FROM nowhere WHERE $1::int = 1")
    first, second, third = await asyncio.gather(
        database.read.one(wrong, 1), database.read.one(DIVIDE, 3), database.read.one(wrong, 1), return_exceptions=True
    )
    assert second == (4,)
    assert isinstance(first, psycopg.errors.UndefinedTable)
    assert isinstance(third, psycopg.errors.UndefinedTable)


async def test_values_come_as_they_were_given(database: Database) -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    given = ("a'\\é\u0085", b"\0\xff'", -(2**62), True, None, 0.25, moment, "")
    query = Query("SELECT $1::text, $2::bytea, $3::bigint, $4::bool, $5::text, $6::float8, $7::timestamptz, $8::text")
    assert await database.read.one(query, *given) == given
    assert await database.read.one(query, *given) == given
    assert await database.read.one(Query("SELECT more FROM word")) == ('{"a": [1]}',)
    assert await database.read.all(Query("SELECT id FROM word WHERE id > $1"), 5) == []


async def test_a_text_with_a_zero_byte_is_refused_and_not_cut(database: Database) -> None:
    query = Query("SELECT id FROM word WHERE text = $1")
    assert await database.read.one(query, "one") == (1,)
    with pytest.raises(psycopg.DataError):
        await database.read.one(query, "one\0more")


async def test_a_large_answer_and_a_large_question(database: Database) -> None:
    many = Query("SELECT length($1::text), repeat('x', 1000) FROM generate_series(1, 2000)")
    found = await asyncio.gather(*(database.read.all(many, "y" * (100_000 + number)) for number in range(20)))
    assert [len(rows) for rows in found] == [2000] * 20
    assert found[-1][-1][0] == 100_019


@contextlib.contextmanager
def locked(database: Database) -> Iterator[None]:
    """Whoever wants the lock 1 meanwhile waits, for as long as this takes."""
    with database.engine.connect() as other:
        other.execute(text("SELECT pg_advisory_lock(1)"))
        try:
            yield
        finally:
            other.execute(text("SELECT pg_advisory_unlock(1)"))


async def test_nothing_waits_behind_one_that_may_take_long(database: Database) -> None:
    slow = Query("SELECT pg_advisory_lock(1)", alone=True)
    with locked(database):
        asked = asyncio.create_task(database.read.one(slow))
        for number in range(5):
            assert (await asyncio.gather(database.read.one(NEXT, number), asyncio.sleep(0)))[0][0] == number + 1  # type: ignore[index]
        assert not asked.done()
    await asked


async def test_a_table_that_has_changed_is_read_as_it_is_now(database: Database) -> None:
    everything = Query("SELECT * FROM word")
    assert (await database.read.one(everything) or ())[:2] == (1, "one")
    with database.engine.begin() as other:
        other.execute(text("ALTER TABLE word DROP COLUMN more"))
    assert await database.read.one(everything) == (1, "one")


async def test_what_was_asked_of_a_session_that_ended_is_asked_again_once(database: Database) -> None:
    waits = Query("SELECT $1::int, pg_backend_pid(), pg_advisory_lock(1)")
    waiting = text("SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT $1::int, pg_%'")
    with locked(database):
        asked = asyncio.create_task(database.read.one(waits, 1))
        pid = None
        while pid is None:
            await asyncio.sleep(0.01)
            with database.engine.connect() as other:
                pid = other.execute(waiting).scalar()
        end(database, pid)
    row = await asked
    assert row is not None
    assert row[0] == 1
    assert row[1] != pid


async def test_a_database_that_is_not_there_is_told(postgres_url: str) -> None:
    database = Database(postgres_url.rpartition("/")[0] + "/nowhere")
    found = await asyncio.gather(*(database.read.one(PID) for _ in range(20)), return_exceptions=True)
    assert [type(one) for one in found] == [DatabaseUnavailable] * 20
    await database.close()


async def test_nothing_can_be_written(database: Database) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await database.read.one(Query("DELETE FROM word RETURNING id"))


async def test_closing_waits_for_what_was_asked(database: Database) -> None:
    asked = asyncio.create_task(database.read.one(SLEEP, 7, 0.3))
    await asyncio.sleep(0)
    await database.read.close()
    assert ((await asked) or [0])[0] == 7


async def test_more_reads_than_connections_take_turns(database: Database) -> None:
    found = await asyncio.gather(*(database.read.one(NEXT, number) for number in range(100)))
    assert [row[0] for row in found if row] == list(range(1, 101))
    open_ = Query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert ((await database.read.one(open_)) or [99])[0] <= 10 + 1


async def test_a_read_that_nobody_waits_for_any_more_leaves_nothing_behind(database: Database) -> None:
    for _ in range(12):  # more than there are connections
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(database.read.one(Query("SELECT 1, pg_sleep(20)")), 0.02)
    assert await asyncio.wait_for(database.read.one(Query("SELECT 2")), 60) == (2,)


async def test_a_read_after_the_server_ended_its_session_is_answered(database: Database) -> None:
    pid = ((await database.read.one(PID)) or [0])[0]
    end(database, pid)
    await asyncio.sleep(0.1)
    assert ((await database.read.one(PID)) or [pid])[0] != pid

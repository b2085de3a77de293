"""Looks into PostgreSQL in one round trip: transactions, what is prepared, and what an error leaves behind."""

import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, ProgrammingError

from moorage.db import pipeline
from moorage.db.engine import Database
from moorage.db.hand_written_sql import call, each, one
from moorage.db.statements import Query, pipeline_of
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM

pytestmark = pytest.mark.part("postgres")

PID = Query("SELECT pg_backend_pid()")
COUNT = Query("SELECT count(*) FROM word")
ADD = Query("INSERT INTO word (id, text) VALUES ($1, $2)")
DIVIDE = Query("SELECT 1 / $1::int")
PREPARED = Query("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'moorage%'")
IN_TRANSACTION = Query(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND left(state, 19) = 'idle in transaction'"
)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """A database with one empty table."""
    made = Database(postgres_url)
    with made.engine.begin() as connection:
        connection.execute(text("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"))
    yield made
    await made.close()


def count_open(database: Database) -> int:
    """How many sessions wait within a transaction, and go on doing so: nobody waits for the end of a look."""
    left = 100
    while True:
        with database.engine.connect() as connection:
            found = int(connection.exec_driver_sql(IN_TRANSACTION.postgresql).scalar_one())
        left -= 1
        if not found or not left:
            return found
        time.sleep(0.05)


async def test_a_look_has_one_snapshot_whichever_way_its_statements_go(database: Database) -> None:
    def story(work: Work) -> list[int]:
        seen = [one(work, COUNT)[0]]  # type: ignore[index]
        with database.engine.begin() as other:
            other.execute(text("INSERT INTO word VALUES (1, 'meanwhile')"))
        seen.append(each(work, [call(COUNT), call(COUNT)])[1][0][0])
        seen.append(work.db.scalar(text("SELECT count(*) FROM word")))
        return seen

    assert database.look_here(story) == [0, 0, 0]
    assert database.look_here(lambda work: work.db.scalar(text("SELECT count(*) FROM word"))) == 1
    assert database.look_here(one, COUNT) == (1,)
    assert count_open(database) == 0


async def test_a_look_writes_nothing(database: Database) -> None:
    for _ in range(3):
        with pytest.raises(DBAPIError, match="read-only"):
            database.look_here(one, ADD, 1, "no")
    assert database.look_here(one, COUNT) == (0,)


async def test_a_story_that_fails_leaves_no_transaction_open(database: Database) -> None:
    def story(work: Work) -> None:
        one(work, COUNT)
        raise KeyError

    for _ in range(3):
        with pytest.raises(KeyError):
            database.look_here(story)
        assert database.look_here(one, COUNT) == (0,)
        assert count_open(database) == 0


async def test_a_transaction_that_writes_goes_another_way(database: Database) -> None:
    def story(work: Work, *, fail: bool) -> None:
        each(work, [call(ADD, 1, "one"), call(ADD, 2, "two")])
        work.db.execute(text("INSERT INTO word VALUES (3, 'three')"))
        one(work, ADD, 4, "four")
        if fail:
            raise KeyError

    with pytest.raises(KeyError):
        await database.run(SYSTEM, story, fail=True)
    assert database.look_here(one, COUNT) == (0,)
    await database.run(SYSTEM, story, fail=False)
    assert database.look_here(one, COUNT) == (4,)


async def test_after_an_error_the_connection_goes_on(database: Database) -> None:
    def story(work: Work, divisor: int) -> object:
        return each(work, [call(COUNT), call(DIVIDE, divisor), call(PREPARED), call(DIVIDE, 1)])

    pid = database.look_here(one, PID)
    for _ in range(4):  # also where statements were to be prepared behind the one that failed
        with pytest.raises(DataError):
            database.look_here(story, 0)
        assert database.look_here(one, DIVIDE, 1) == (1,)
    assert database.look_here(story, 1)[3] == [(1,)]  # type: ignore[index]
    with pytest.raises(ProgrammingError):
        database.look_here(one, Query("SELECT nothing FROM nowhere"))
    assert database.look_here(one, PID) == pid


async def test_what_has_no_form_is_refused_before_anything_is_sent(database: Database) -> None:
    pid = database.look_here(one, PID)
    with pytest.raises(ProgrammingError, match="adapt"):
        database.look_here(each, [call(COUNT), call(DIVIDE, object())])
    assert database.look_here(one, PID) == pid


async def test_a_connection_keeps_a_bounded_number_of_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MAX_PREPARED", 5)
    queries = [Query(f"SELECT {number} + $1::int") for number in range(12)]

    def story(work: Work) -> int:
        for _ in range(3):
            for number, query in enumerate(queries):
                for _ in range(3):
                    assert one(work, query, 1) == (number + 1,)
        return int(one(work, PREPARED)[0])  # type: ignore[index]

    assert 0 < database.look_here(story) <= 5


async def test_the_types_of_arguments_may_change(database: Database) -> None:
    query = Query("SELECT $1::text")
    values = (1, 2, 2**40, "a", 1, 2**40, True, None)

    def story(work: Work) -> list[object]:
        return [each(work, [call(query, value)] * 3)[2][0][0] for value in values]

    expected = ["1", "2", str(2**40), "a", "1", str(2**40), "true", None]
    assert database.look_here(story) == expected
    assert database.look_here(story) == expected


async def test_much_in_both_directions_does_not_block(database: Database) -> None:
    query = Query("SELECT length($1::text), repeat('x', 1000) FROM generate_series(1, 2000)")
    much = "y" * 200_000
    found = database.look_here(each, [call(query, much[: 100_000 + number]) for number in range(20)])
    assert [len(rows) for rows in found] == [2000] * 20
    assert found[-1][-1][0] == 100_019


async def test_connections_that_died_while_they_waited_are_replaced_at_once(database: Database) -> None:
    def story(work: Work) -> int:
        return int(one(work, PID)[0])  # type: ignore[index]

    def two(work: Work) -> set[int]:
        return {story(work), database.look_here(story)}

    pids = database.look_here(two)
    assert len(pids) == 2
    with database.engine.connect() as other:
        for pid in pids:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert not database.look_here(two) & pids


async def test_a_connection_that_dies_in_a_transaction_is_given_up(database: Database) -> None:
    def story(work: Work) -> None:
        pid = one(work, PID)
        assert pid is not None
        with database.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid[0]})
        with pytest.raises(DBAPIError) as caught:
            each(work, [call(COUNT), call(COUNT)])
        assert caught.value.connection_invalidated
        raise KeyError

    with pytest.raises(KeyError):
        database.look_here(story)
    assert database.look_here(one, COUNT) == (0,)


async def test_each_look_has_one_and_no_transaction_that_writes(database: Database) -> None:
    assert database.look_here(lambda work: pipeline_of(work.db)) is database.look_here(
        lambda work: pipeline_of(work.db)
    )
    assert await database.run(SYSTEM, lambda work: pipeline_of(work.db)) is None

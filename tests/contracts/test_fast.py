"""What statements past SQLAlchemy promise to the transaction they are in, on both databases."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from moorage.db.engine import Database
from moorage.db.hand_written_sql import call, each, filled, one, sized
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import DatabaseUnavailable
from moorage.events import SYSTEM

ADD = Query("INSERT INTO word (id, text) VALUES ($1, $2)")
ADD_AND_SHOW = Query("INSERT INTO word (id, text) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING text")
ALL = Query("SELECT text FROM word ORDER BY id {lock:FOR UPDATE}")
NOWHERE = Query("", postgresql="")


@pytest.fixture
def database(empty: Database) -> Database:
    """A database with one empty table."""
    with empty.engine.begin() as connection:
        connection.execute(text("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"))
    return empty


def words(work: Work) -> list[str]:
    return [row[0] for row in each(work, [call(ALL)])[0]]


async def test_each_runs_in_order_and_passes_over_what_has_no_text(database: Database) -> None:
    def story(work: Work) -> list[list[tuple[object, ...]]]:
        return each(work, [call(ADD, 1, "one"), call(NOWHERE), call(ALL), call(ADD_AND_SHOW, 2, "two"), call(ALL)])

    assert await database.run(SYSTEM, story) == [[], [], [("one",)], [("two",)], [("one",), ("two",)]]


async def test_one_is_the_first_row_or_none(database: Database) -> None:
    def story(work: Work) -> tuple[object, ...]:
        return one(work, ADD, 1, "one"), one(work, ADD_AND_SHOW, 1, "again"), one(work, ALL)

    assert await database.run(SYSTEM, story) == (None, None, ("one",))


async def test_it_shares_the_transaction_of_core(database: Database) -> None:
    def story(work: Work) -> None:
        work.db.execute(text("INSERT INTO word VALUES (1, 'core')"))
        one(work, ADD, 2, "fast")
        assert words(work) == ["core", "fast"]
        assert list(work.db.scalars(text("SELECT text FROM word ORDER BY id"))) == ["core", "fast"]
        raise KeyError

    with pytest.raises(KeyError):
        await database.run(SYSTEM, story)
    assert await database.run(SYSTEM, words) == []


@pytest.mark.parametrize("alone", [True, False])
async def test_a_constraint_is_the_error_of_core_and_the_story_is_repeated(database: Database, *, alone: bool) -> None:
    attempts = []

    def story(work: Work) -> None:
        attempts.append(1)
        if len(attempts) < 3:
            one(work, ADD, 1, "early")
            with pytest.raises(IntegrityError) as caught:
                each(work, [*([] if alone else [call(ALL)]), call(ADD, 1, "late")])
            raise caught.value
        one(work, ADD, 1, "late")

    await database.run(SYSTEM, story)
    assert len(attempts) == 3
    assert await database.run(SYSTEM, words) == ["late"]


async def test_a_constraint_that_stays_is_told_as_such(database: Database) -> None:
    await database.run(SYSTEM, one, ADD, 1, "first")
    with pytest.raises(DatabaseUnavailable, match="conflict"):
        await database.run(SYSTEM, one, ADD, 1, "second")


async def test_a_statement_that_is_wrong_is_a_bug_of_ours(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        await database.run(SYSTEM, one, Query("SELECT nothing FROM word"))
    assert database.kind == "sqlite" or isinstance(caught.value, ProgrammingError)


@pytest.mark.part("postgres")
@pytest.mark.parametrize("several", [False, True])
async def test_a_connection_that_died_is_given_up_and_the_story_goes_on_with_another(
    postgres_url: str, *, several: bool
) -> None:
    database = Database(postgres_url, pool_size=1)
    attempts = []

    def story(work: Work) -> int:
        attempts.append(1)
        row = one(work, Query("", postgresql="SELECT pg_backend_pid()"))
        assert row
        if len(attempts) == 1:
            with psycopg.connect(database.url.set(drivername="postgresql").render_as_string(False)) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [row[0]])
        each(work, [call(Query("", postgresql="SELECT 1"))] * (2 if several else 1))
        return int(row[0])

    try:
        first = await database.run(SYSTEM, story)
        assert len(attempts) == 2
        assert await database.run(SYSTEM, story) == first, "the new connection is kept"
    finally:
        await database.close()


def test_lists_come_in_few_sizes() -> None:
    assert [sized(count) for count in (1, 2, 3, 5, 8, 100, 128, 129, 40_000)] == [1, 2, 4, 8, 8, 128, 128, 129, 40_000]
    assert filled(["a", "b", "c"]) == ("a", "b", "c", "c")
    assert filled(["a"]) == ("a",)
    assert len(filled(range(40_000))) == 40_000

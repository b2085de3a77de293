"""A statement that is kept fetches what SQLAlchemy would have fetched, on both databases."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, ProgrammingError

from moorage.access.policy import Role
from moorage.db.base import Json, Name, UtcTime
from moorage.db.compiled_statements import Prepared, each
from moorage.db.engine import Database
from moorage.db.hand_written_sql import one
from moorage.db.list_query import holds_pattern, pattern_of
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import DatabaseUnavailable
from moorage.events import SYSTEM

THINGS = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Name, nullable=False),
    Column("done", Boolean),
    Column("said", Json),
    Column("digest", LargeBinary),
    Column("at", UtcTime()),
)
ROWS = [
    {
        "id": one,
        "name": f"thing-{one:02}",
        "done": None if one % 3 == 0 else one % 3 == 1,
        "said": None if one % 4 == 0 else {"ä": [one, None, 1.5, True, 2**70]},
        "digest": None if one % 5 == 0 else bytes([one, 0, 255]),
        "at": None if one % 2 == 0 else datetime(2025, 1, 1, 12, 0, one, 999_999, UTC),
    }
    for one in range(1, 41)
]
IDS: Any = bindparam("ids", expanding=True)
PAGE = select(THINGS).order_by(THINGS.c.id).limit(bindparam("size")).offset(bindparam("skip"))
STATEMENTS: list[tuple[Any, dict[str, Any]]] = [
    (select(THINGS).order_by(THINGS.c.id), {}),
    (PAGE, {"size": 7, "skip": 3}),
    (select(THINGS).where(THINGS.c.id.in_(IDS)).order_by(THINGS.c.id), {"ids": [3, 1, 2]}),
    (select(THINGS.c.id).where(THINGS.c.id.in_(IDS) | (THINGS.c.id - 1).in_(IDS)).order_by(THINGS.c.id), {"ids": [9]}),
    (select(THINGS.c.id).where(THINGS.c.at > bindparam("at")).order_by(THINGS.c.id), {"at": ROWS[10]["at"]}),
    (select(THINGS.c.id).where(THINGS.c.at > literal(ROWS[10]["at"], UtcTime())).order_by(THINGS.c.id), {}),
    (select(func.count(), func.max(THINGS.c.at)).select_from(THINGS), {}),
    (
        select(case({Role.GUEST: "guest"}, value=bindparam("role", type_=Integer()), else_="other"), literal("a")),
        {"role": Role.GUEST},
    ),
    (
        select(THINGS.c.name).where(holds_pattern(THINGS.c.name, bindparam("pattern", type_=THINGS.c.name.type))),
        {"pattern": pattern_of("G-1")},
    ),
]


@pytest.fixture
def database(empty: Database) -> Database:
    """A database with one table of all kinds of columns."""
    with empty.engine.begin() as connection:
        THINGS.create(connection)
        connection.execute(insert(THINGS), ROWS)
    return empty


@pytest.mark.parametrize("number", range(len(STATEMENTS)))
async def test_its_rows_are_those_of_sqlalchemy(database: Database, number: int) -> None:
    statement, values = STATEMENTS[number]
    kept = Prepared(statement)

    def story(work: Work) -> None:
        expected = [tuple(row) for row in work.db.execute(statement, values)]
        assert expected
        for _ in range(4):  # PostgreSQL's driver prepares it the third time
            found = kept.rows(work, values)
            assert found == expected
            assert [[type(cell) for cell in row] for row in found] == [[type(c) for c in row] for row in expected]
        assert kept.scalar(work, values) == expected[0][0]

    database.look_here(story)
    await database.run(SYSTEM, story)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 16, 17, 40, 128, 130])
async def test_a_list_may_have_any_size(database: Database, size: int) -> None:
    kept = Prepared(select(THINGS.c.id).where(THINGS.c.id.in_(IDS)).order_by(THINGS.c.id))
    database.look_here(lambda work: kept.rows(work, {"ids": [2, 3, 4]}))  # another size, kept beside it
    ids = list(range(size))
    assert [row[0] for row in database.look_here(kept.rows, {"ids": ids})] == [one for one in ids if 0 < one <= 40]


async def test_no_row_is_none(database: Database) -> None:
    kept = Prepared(select(THINGS.c.id).where(THINGS.c.id == bindparam("id")))
    assert database.look_here(kept.scalar, {"id": 99}) is None
    assert database.look_here(kept.rows, {"id": 99}) == []


async def test_several_are_asked_at_once(database: Database) -> None:
    kept = Prepared(PAGE)
    count = Prepared(select(func.count()).select_from(THINGS))
    found = database.look_here(each, (kept, {"size": 1, "skip": 0}), (count, {}), (kept, {"size": 1, "skip": 39}))
    assert [len(rows) for rows in found] == [1, 1, 1]
    assert [found[0][0][5], found[1][0][0], found[2][0][0]] == [ROWS[0]["at"], 40, 40]


async def test_an_error_is_that_of_sqlalchemy(database: Database) -> None:
    kept = Prepared(select(text("1")).select_from(text("nowhere")))
    with pytest.raises(DBAPIError) as caught:
        database.look_here(kept.rows, {})
    if database.kind == "postgresql":
        assert isinstance(caught.value, ProgrammingError)
    assert database.look_here(Prepared(PAGE).rows, {"size": 1, "skip": 0})[0][0] == 1, "the connection goes on"


@pytest.mark.part("postgres")
async def test_a_statement_that_takes_too_long_is_an_outage(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        slow = Prepared(select(func.pg_sleep(literal(5))))

        def story(work: Work) -> None:
            one(work, Query("SET LOCAL statement_timeout = 50"))
            slow.rows(work, {})

        with pytest.raises(DatabaseUnavailable):
            database.look_here(story)
    finally:
        await database.close()


@pytest.mark.part("postgres")
async def test_a_connection_that_died_while_it_waited_is_replaced(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        who = Prepared(select(func.pg_backend_pid()))
        pid = database.look_here(who.scalar, {})
        with database.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        assert database.look_here(who.scalar, {}) != pid

        def die(work: Work) -> int:
            mine: int = who.scalar(work, {})
            if not died:
                died.append(mine)
                with database.engine.connect() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            return int(who.scalar(work, {}))

        died: list[int] = []
        assert database.look_here(die) != died[0], "the story is told again on another connection"
    finally:
        await database.close()

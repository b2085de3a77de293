"""What a database promises to a reading story and to a list, on both databases."""

import asyncio
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import ColumnElement, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from moorage.audit.tables import Audit
from moorage.db import engine
from moorage.db.base import Base
from moorage.db.engine import Database
from moorage.db.list_query import Field, Fields, Listing, bytewise, parse_q, parse_sort
from moorage.db.unit_of_work import Work
from moorage.errors import DatabaseUnavailable
from moorage.events import SYSTEM

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIELDS = Fields(
    {
        "resource": Field(Audit.resource),
        "principal_id": Field(Audit.principal_id, "number"),
        "op_time": Field(Audit.at, "time"),
        "ok": Field(Audit.ok, "flag"),
    },
    key=Audit.id,
)
RESOURCES = ["b", "B", "a", "é", "É", "e", "_", "%", "a_b", "a%b", "a\\b", "axb", "Zz", "zZ", "~t", "é€😀", "10", "9"]


@pytest.fixture
def database(empty: Database) -> Database:
    """A database with one empty table of audit rows."""
    Base.metadata.create_all(empty.engine, [Base.metadata.tables["audit"]])
    return empty


def add(work: Work, /, resource: str, **more: object) -> None:
    row = {"at": NOON, "resource_type": "thing", "operation": "create", "resource": resource, **more}
    work.db.execute(insert(Audit), row)


def names(work: Work) -> list[str]:
    return list(work.db.scalars(select(Audit.resource).order_by(Audit.id)))


# -- looking ----------------------------------------------------------------------------------------------


async def test_a_look_sees_what_was_committed_before_it(database: Database) -> None:
    assert await database.look(names) == []
    await database.run(SYSTEM, add, "a")
    assert await database.look(names) == ["a"]
    assert database.look_here(names) == ["a"]


async def test_a_look_sees_one_moment(database: Database) -> None:
    await database.run(SYSTEM, add, "a")
    seen_first, written = threading.Event(), threading.Event()

    def twice(work: Work) -> tuple[list[str], list[str]]:
        first = names(work)
        seen_first.set()
        assert written.wait(10)
        return first, names(work)

    looking = asyncio.ensure_future(database.look(twice))
    await asyncio.to_thread(seen_first.wait, 10)
    await database.run(SYSTEM, add, "b")
    written.set()
    assert await looking == (["a"], ["a"])
    assert await database.look(names) == ["a", "b"]


async def test_a_look_does_not_wait_for_a_writer_nor_a_writer_for_looks(database: Database) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(work: Work) -> None:
        add(work, "a")
        inside.set()
        assert leave.wait(90)

    writing = asyncio.ensure_future(database.run(SYSTEM, slow))
    await asyncio.to_thread(inside.wait, 60)
    async with asyncio.timeout(60):
        assert await asyncio.gather(*(database.look(names) for _ in range(20))) == [[]] * 20
    leave.set()
    await writing


async def test_a_look_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        await database.look(add, "a")
    assert await database.look(names) == []


async def test_an_error_of_a_look_is_its_callers_and_the_next_look_is_well(database: Database) -> None:
    def fails(work: Work) -> None:
        names(work)
        raise LookupError("mine")

    for _ in range(30):  # more than there are connections
        with pytest.raises(LookupError, match="mine"):
            await database.look(fails)
    assert await database.look(names) == []


async def test_a_cancelled_look_leaves_the_others_alone(database: Database) -> None:
    leave = threading.Event()

    def slow(work: Work) -> list[str]:
        leave.wait(90)
        return names(work)

    looks = [asyncio.ensure_future(database.look(slow)) for _ in range(8)]
    await asyncio.sleep(0.05)
    for look in looks[::2]:
        look.cancel()
    leave.set()
    answers = await asyncio.gather(*looks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError, list] * 4
    assert await database.look(names) == []


async def test_many_looks_at_once_all_answer(database: Database) -> None:
    await database.run(SYSTEM, add, "a")
    assert await asyncio.gather(*(database.look(names) for _ in range(200))) == [["a"]] * 200


async def test_a_look_that_takes_too_long_is_stopped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.kind == "sqlite":
        monkeypatch.setattr(engine, "LOOK_SECONDS", 0.1)
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    else:
        endless = "SELECT pg_sleep(60)"

    def story(work: Work) -> None:
        if database.kind == "postgresql":
            work.db.exec_driver_sql("SET LOCAL statement_timeout = 100")
        work.db.exec_driver_sql(endless)

    began = asyncio.get_running_loop().time()
    with pytest.raises(DatabaseUnavailable):
        await database.look(story)
    assert asyncio.get_running_loop().time() - began < 50
    assert await database.look(names) == []


@pytest.mark.part("postgres")
async def test_a_story_that_the_statement_timeout_stopped_is_not_repeated(postgres_url: str) -> None:
    database = Database(postgres_url)
    runs = 0

    def story(work: Work) -> None:
        nonlocal runs
        runs += 1
        work.db.exec_driver_sql("SET LOCAL statement_timeout = 50")
        work.db.exec_driver_sql("SELECT pg_sleep(60)")

    with pytest.raises(DatabaseUnavailable):
        await database.run(SYSTEM, story)
    assert runs == 1
    await database.close()


@pytest.mark.part("postgres")
async def test_a_look_outlives_the_loss_of_its_connections(postgres_url: str) -> None:
    database = Database(postgres_url, pool_size=3)
    one = text("SELECT 1")
    for _ in range(3):
        await database.look(lambda work: work.db.scalar(one))
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert await database.look(lambda work: work.db.scalar(one)) == 1
    await database.close()


async def test_a_database_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/nothing.db")
    with pytest.raises(DatabaseUnavailable):
        await database.look(names)
    await database.close()
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(f"file:{tmp_path}/nothing.db?mode=ro", uri=True)


# -- lists ------------------------------------------------------------------------------------------------


def fill(work: Work) -> None:
    for number, name in enumerate(RESOURCES):
        principal = None if number % 3 == 0 else number % 4
        add(work, name, principal_id=principal, at=NOON + timedelta(seconds=number // 2), ok=number % 2 == 0)


def found(database: Database, q: str = "", sort: str = "") -> list[str]:
    def story(work: Work) -> list[str]:
        listing = Listing(parse_q(q), parse_sort(sort))
        conditions, _ = FIELDS.where(listing)
        order, _ = FIELDS.order(listing, "op_time")
        return list(work.db.scalars(select(Audit.resource).where(*conditions).order_by(*order)))

    return database.look_here(story)


async def test_texts_sort_by_their_bytes(database: Database) -> None:
    database.run_here(SYSTEM, fill)
    ordered = sorted(RESOURCES, key=str.encode)
    assert found(database, sort="resource") == ordered
    assert found(database, sort="-resource") == ordered[::-1]


async def test_nulls_sort_first_and_equal_rows_by_id(database: Database) -> None:
    database.run_here(SYSTEM, fill)
    keys = [(0 if n % 3 == 0 else 1 + n % 4, n) for n in range(len(RESOURCES))]
    ordered = [RESOURCES[n] for _, n in sorted(keys)]
    assert found(database, sort="principal_id") == ordered
    assert found(database, sort="-principal_id") == ordered[::-1]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("resource=~_", ["_", "a_b"]),
        ("resource=~%25", ["%", "a%b"]),
        ("resource=~\\", ["a\\b"]),
        ("resource=~A", ["a", "a_b", "a%b", "a\\b", "axb"]),
        ("resource=~ZZ", ["Zz", "zZ"]),
        ("resource=~é", ["é", "é€😀"]),
        ("resource=~", RESOURCES),
        ("resource=b", ["b"]),
        (r"resource=\~t", ["~t"]),
        ("resource=[a~b]", ["b", "a", "a_b", "a%b", "a\\b", "axb"]),
        ("resource=[~A]", ["%", "10", "9"]),
        ("resource={a B nothing}", ["B", "a"]),
        ("resource={}", []),
        ("resource='", []),
        ("principal_id=2", ["a", "a\\b", "~t"]),
        ("principal_id=[3~]", ["%", "axb"]),
        ("principal_id=9223372036854775807", []),
        ("op_time=2026-03-01T12:00:03", ["_", "%"]),
        ("op_time=[2026-03-01 12:00:07~]", ["~t", "é€😀", "10", "9"]),
        ("ok=true,resource={a b e}", ["b", "a"]),
    ],
)
async def test_a_search_finds_the_same_on_both(database: Database, q: str, expected: list[str]) -> None:
    database.run_here(SYSTEM, fill)
    assert found(database, q) == expected


async def test_a_byte_order_compares_as_it_sorts(database: Database) -> None:
    database.run_here(SYSTEM, fill)

    def above(work: Work) -> list[str]:
        condition: ColumnElement[bool] = bytewise(Audit.resource) > "a_b"
        return list(work.db.scalars(select(Audit.resource).where(condition).order_by(Audit.id)))

    assert database.look_here(above) == [name for name in RESOURCES if name.encode() > b"a_b"]


async def test_the_writer_goes_on_after_a_refused_look(database: Database) -> None:
    with pytest.raises(DBAPIError):
        database.look_here(lambda work: work.db.execute(delete(Audit)))
    database.run_here(SYSTEM, add, "a")
    database.run_here(SYSTEM, lambda work: work.db.execute(update(Audit).values(resource="b")))
    assert database.look_here(names) == ["b"]


async def test_a_value_that_is_missing_is_a_bug_and_no_conflict(database: Database) -> None:
    tries = []

    def write(work: Work) -> None:
        tries.append(1)
        work.db.execute(text("INSERT INTO audit (resource) VALUES (NULL)"))

    with pytest.raises(IntegrityError):
        await database.run(SYSTEM, write)
    assert len(tries) == 1

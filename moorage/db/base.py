"""The base class of tables and the column types that all of them share."""

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import BigInteger, DateTime, Dialect, Index, Integer, MetaData, String, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Base(DeclarativeBase):
    """The base of every table. Constraint names are fixed, so that a migration can name what it changes."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def load_tables() -> None:
    """Import the tables of every subject: `Base.metadata` has all of them then.

    They are found by their files: looking a module up imports its package, and `moorage.testing` needs what is not
    installed.
    """
    for file in sorted(Path(__file__).parents[1].glob("*/tables.py")):
        import_module(f"moorage.{file.parent.name}.tables")


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC: an integer (microseconds since 1970) on SQLite, `timestamptz` on PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type of this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Integer())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401 - int or datetime
        """What the driver is given."""
        if value is None or dialect.name != "sqlite":
            return value
        return to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401 - int or datetime
        """What the program is given: aware, in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return from_micros(value)
        moment: datetime = value
        return moment.astimezone(UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment, in UTC, of a number of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


Id = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit id. Tables whose ids a client can hold add `AUTO_ID`, so that an id is never given out twice."""

AUTO_ID: dict[str, Any] = {"sqlite_autoincrement": True}

Name = String(255).with_variant(String(255, collation="C"), "postgresql")
"""A name that is compared byte by byte on both databases."""

Json = JSON()


def read_json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever it says
    """The value of a text that a `Json` column holds.

    Five times as fast as `json`, which reads only what the standard does not know, as it wrote it: `NaN`, or half of a
    character.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)


def live_index(name: str, *columns: Any, where: str, unique: bool = False) -> Index:  # noqa: ANN401 - names or clauses
    """An index over the rows for which the SQL condition `where` holds, on both databases."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


class db_now(FunctionElement[datetime]):  # noqa: N801 - reads as a SQL function
    """The database's clock, now (not the start of the transaction); `db_now(n)` is n seconds later.

    Leases, expiries and ages compare with this and never with a node's clock: replicas' clocks differ.
    """

    type = UtcTime()
    inherit_cache = True


@compiles(db_now, "sqlite")
def _sqlite_now(element: db_now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    now = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000"
    offset = compiler.process(element.clauses, **kw)
    return f"({now} + CAST({offset} * 1000000 AS INTEGER))" if offset else f"({now})"


@compiles(db_now, "postgresql")
def _postgresql_now(element: db_now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    offset = compiler.process(element.clauses, **kw)
    if not offset:
        return "clock_timestamp()"
    return f"(clock_timestamp() + make_interval(secs => CAST({offset} AS double precision)))"

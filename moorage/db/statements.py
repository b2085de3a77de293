"""Hand-written statements for both databases, and the protocol that runs them.

It imports nothing else of `db`: engine, pipeline and query_execution all stand on it.
"""

import re
from collections.abc import Sequence
from typing import Any, Never, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]

_SQLITE_NOW = "(CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)"

SESSION_OPTIONS = "-c statement_timeout=30000 -c timezone=UTC -c jit=off -c max_parallel_workers_per_gather=0"
"""Of every connection to PostgreSQL. Neither compiled nor parallel plans: to prepare them takes longer than our
statements run."""


class Query:
    """A prepared statement of the fast lane, written once for both databases.

    Placeholders are `$1`, `$2`, ...; `{now}` is the database's clock, and `{left:COLUMN}` the seconds from now
    until the moment in COLUMN. `{later:$4}` is so many seconds (a float) from now. `{lock:CLAUSE}` stands in
    PostgreSQL's text only: SQLite has one writer. `sqlite` or `postgresql` replace the text for one database; empty:
    `hand_written_sql.each` passes over it there. One that may take long is sent `alone`, so that none waits behind it.
    """

    __slots__ = ("alone", "postgresql", "sqlite")

    def __init__(
        self, text: str, *, sqlite: str | None = None, postgresql: str | None = None, alone: bool = False
    ) -> None:
        self.alone = alone
        lite = text if sqlite is None else sqlite
        # The clock is read only where there is a moment to compare with.
        left = rf"CASE WHEN \1 IS NOT NULL THEN (\1 - {_SQLITE_NOW}) / 1000000.0 END"
        lite = re.sub(r"\{left:([\w.]+)\}", left, lite)
        lite = re.sub(r"\{later:(\$\d+)\}", rf"({_SQLITE_NOW} + CAST(\1 * 1000000 AS INTEGER))", lite)
        lite = re.sub(r"\{lock:[^}]*\}", "", lite)
        self.sqlite = re.sub(r"\$(\d+)", r"?\1", lite.replace("{now}", _SQLITE_NOW))
        pg = text if postgresql is None else postgresql
        pg = re.sub(r"\{left:([\w.]+)\}", r"extract(epoch FROM \1 - clock_timestamp())::float8", pg)
        pg = re.sub(r"\{later:(\$\d+)\}", r"(clock_timestamp() + make_interval(secs => \1::double precision))", pg)
        pg = re.sub(r"\{lock:([^}]*)\}", r"\1", pg)
        self.postgresql = pg.replace("{now}", "clock_timestamp()")


class Reader(Protocol):
    """The fast lane: single read-only statements, each its own transaction, no ORM and no unit of work."""

    async def one(self, query: Query, *args: object) -> Row | None:
        """The first row, or None."""
        ...

    async def all(self, query: Query, *args: object) -> list[Row]:
        """All rows; the statement itself bounds their number."""
        ...

    async def close(self) -> None:
        """Close the connections, once nobody reads any more."""
        ...


class Pipelined(Protocol):
    """What runs the statements of a look on PostgreSQL; `pipeline.Pipeline` is the one there is."""

    def run(self, calls: Sequence[tuple[str, tuple[object, ...]]]) -> list[list[Row]]:
        """Run statements one after the other; the rows of each."""
        ...


def pipeline_of(connection: Connection) -> Pipelined | None:
    """What statements of a look go through on PostgreSQL; None for a transaction that writes, which is psycopg's."""
    found: Pipelined | None = connection.info.get("pipeline")
    return found


def give_up(connection: Connection, error: Exception, base: type[Exception]) -> Never:
    """Raise what SQLAlchemy would have raised for an error of the driver, and give up a connection that is dead."""
    is_dead = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]
    if is_dead:
        connection.invalidate(error)
    raise DBAPIError.instance(
        None, None, error, base, hide_parameters=True, connection_invalidated=is_dead, dialect=connection.dialect
    ) from error

"""Run hand-written SQL inside the transactions of a push.

SQLAlchemy takes some 90 microseconds to run a statement that it has compiled before, a driver 15. What is written here
runs in the same transaction as everything else of a story, and its errors are those of SQLAlchemy, so that the story
is repeated or refused as ever.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from moorage.db.base import to_micros
from moorage.db.statements import Query, Row, give_up, pipeline_of
from moorage.db.unit_of_work import Work


class Call(NamedTuple):
    """A statement with its arguments, in the driver's own types: `moment` makes those of times."""

    query: Query
    args: tuple[object, ...]


def call(query: Query, *args: object) -> Call:
    """A statement to run."""
    return Call(query, args)


def one(work: Work, query: Query, *args: object) -> Row | None:
    """Run a statement; its first row, or None."""
    rows = each(work, (Call(query, args),))[0]
    return rows[0] if rows else None


def each(work: Work, calls: Sequence[Call]) -> list[list[Row]]:
    """Run statements one after the other; the rows of each. None of them may need what another one finds.

    A statement without text for a database is passed over there.

    Cost: on PostgreSQL one round trip for all of them together.

    Raises:
        sqlalchemy.exc.DBAPIError: one of them failed; the transaction cannot go on.
    """
    return _on_sqlite(work, calls) if work.db.dialect.name == "sqlite" else _on_postgresql(work, calls)


def _on_sqlite(work: Work, calls: Sequence[Call]) -> list[list[Row]]:
    raw: Any = work.db.connection.dbapi_connection
    try:
        return [raw.execute(query.sqlite, args).fetchall() if query.sqlite else [] for query, args in calls]
    except sqlite3.Error as error:
        give_up(work.db, error, sqlite3.Error)


def _on_postgresql(work: Work, calls: Sequence[Call]) -> list[list[Row]]:
    import psycopg  # noqa: PLC0415 - a server on SQLite never needs it

    look = pipeline_of(work.db)
    try:
        if look is not None:
            found = iter(look.run([(query.postgresql, args) for query, args in calls if query.postgresql]))
            return [next(found) if query.postgresql else [] for query, _ in calls]
        raw: Any = work.db.connection.dbapi_connection
        with raw.pipeline() if len(calls) > 1 else contextlib.nullcontext():
            cursors = [
                psycopg.RawCursor(raw).execute(query.postgresql, args) if query.postgresql else None
                for query, args in calls
            ]
        return [cursor.fetchall() if cursor is not None and cursor.description else [] for cursor in cursors]
    except psycopg.Error as error:
        give_up(work.db, error, psycopg.Error)


def moment(work: Work, time: datetime) -> object:
    """A time in UTC as the driver takes it for a column of `base.UtcTime`."""
    return to_micros(time) if work.db.dialect.name == "sqlite" else time


def sized(count: int) -> int:
    """How many places a list of `count` values is given, so that few statements serve lists of all lengths."""
    return 1 << (count - 1).bit_length() if 0 < count <= 128 else count


def filled(values: Sequence[object]) -> tuple[object, ...]:
    """The values for the places of `sized`; the last one is repeated, which makes no difference to an IN."""
    return (*values, *(values[-1],) * (sized(len(values)) - len(values)))

"""Which statements services run: those that SQLAlchemy runs, and those that go to the driver as they are."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

from sqlalchemy import Engine, event

from moorage.db import fast
from moorage.db.work import Work

See = Callable[[Any, str, Any], None]
"""Called before a statement runs, in its thread, with the driver's connection, the text and the arguments."""
Run = Callable[[Work, Sequence[fast.Call]], list[list[Any]]]


@contextlib.contextmanager
def watching(see: See) -> Iterator[None]:
    """Let `see` see each statement that a service runs meanwhile, in whatever transaction.

    Those of the fast lane, as the guard's, are not among them.
    """

    def note(connection: Any, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        see(connection.connection.dbapi_connection, statement, parameters)

    def seen(kind: str) -> Run:
        run: Run = getattr(fast, f"_on_{kind}")

        def see_and_run(work: Work, calls: Sequence[fast.Call]) -> list[list[Any]]:
            for query, args in calls:
                if statement := getattr(query, kind):
                    see(work.db.connection.dbapi_connection, statement, args)
            return run(work, calls)

        return see_and_run

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with mock.patch.multiple(fast, _on_sqlite=seen("sqlite"), _on_postgresql=seen("postgresql")):
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextlib.contextmanager
def counting() -> Iterator[list[str]]:
    """The statements that services run meanwhile."""
    seen: list[str] = []
    with watching(lambda _raw, statement, _parameters: seen.append(statement)):
        yield seen

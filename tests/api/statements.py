"""Which statements services run: those that SQLAlchemy runs, and those that go to the driver as they are."""

import contextlib
import contextvars
import functools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any
from unittest import mock

from sqlalchemy import Engine, event

from moorage.db import engine, hand_written_sql
from moorage.db.unit_of_work import Work

See = Callable[[Any, str, Any], None]
"""Called before a statement runs, in its thread, with the driver's connection, the text and the arguments."""
Run = Callable[[Work, Sequence[hand_written_sql.Call]], list[list[Any]]]


@contextlib.contextmanager
def watching(see: See) -> Iterator[None]:
    """Let `see` see each statement that a service runs meanwhile, in whatever transaction.

    Those of the fast lane, as the guard's, are not among them.
    """

    def note(connection: Any, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        see(connection.connection.dbapi_connection, statement, parameters)

    def seen(kind: str) -> Run:
        run: Run = getattr(hand_written_sql, f"_on_{kind}")

        def see_and_run(work: Work, calls: Sequence[hand_written_sql.Call]) -> list[list[Any]]:
            for query, args in calls:
                if statement := getattr(query, kind):
                    see(work.db.connection.dbapi_connection, statement, args)
            return run(work, calls)

        return see_and_run

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with mock.patch.multiple(hand_written_sql, _on_sqlite=seen("sqlite"), _on_postgresql=seen("postgresql")):
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)


_counted: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("counted", default=None)


def is_ours() -> bool:
    """Whether a statement that is seen now is run for what is asked within `counting`, and not in the background."""
    return _counted.get() is not None


@contextlib.contextmanager
def counting() -> Iterator[list[str]]:
    """The statements that services run for what is asked within; not those of the background meanwhile."""
    call = engine._Threads.call

    def call_in_context(threads: engine._Threads, function: Callable[[], Any]) -> Awaitable[Any]:
        return call(threads, functools.partial(contextvars.copy_context().run, function))

    def note(_raw: object, statement: str, _parameters: object) -> None:
        if (mine := _counted.get()) is not None:
            mine.append(statement)

    seen: list[str] = []
    token = _counted.set(seen)
    try:
        with mock.patch.object(engine._Threads, "call", call_in_context), watching(note):
            yield seen
    finally:
        _counted.reset(token)

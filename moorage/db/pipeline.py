"""Looks into PostgreSQL: statements in one round trip, past psycopg's cursors.

psycopg's own pipeline costs as much time of the processor as its statements one by one, and a transaction costs two
round trips more. Here BEGIN goes with the first statements, and nobody waits for the answer to a ROLLBACK: it is read
before the connection's next statement. Statements are prepared the second time they run.

Source: PostgreSQL, "Pipeline Mode" of libpq.
"""

import contextlib
import select
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy import Connection, Engine, event

from moorage.db.statements import Row, give_up
from moorage.db.unit_of_work import Subscribers, Work

if TYPE_CHECKING:
    from psycopg import abc
    from psycopg.pq.abc import PGresult

P = ParamSpec("P")
T = TypeVar("T")
MAX_PREPARED = 256
"""Statements that a connection keeps prepared; then the one that was not run for longest is forgotten."""

_BEGIN = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
DONE = {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}
"""States of a statement that has run."""

_Key = tuple[str, tuple[int, ...]]


class Known:
    """A statement of a connection.

    Attributes:
        name: on the server; None: it is not prepared.
        loaders: of its columns, once it has run.
    """

    __slots__ = ("loaders", "name")

    def __init__(self) -> None:
        self.name: bytes | None = None
        self.loaders: abc.Transformer | None = None


class Pipeline:
    """The statements of one connection, which one thread uses at a time.

    psycopg may not end a transaction of this connection: it would forget all prepared statements with it.
    """

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        self._raw = raw
        self._known: OrderedDict[_Key, Known] = OrderedDict()
        self._number = 0
        self._rolling_back = False
        self._dumpers = Transformer(raw)
        self._poll = select.poll()
        self._poll.register(raw.pgconn.socket, select.POLLIN)

    def run(self, calls: Sequence[tuple[str, tuple[object, ...]]]) -> list[list[Row]]:
        """Run statements one after the other; the rows of each.

        Raises:
            psycopg.Error: of the first that failed; the transaction cannot go on.
        """
        self.settle()
        pg = self._raw.pgconn
        asked = [self._ask(text, args) for text, args in calls]  # what has no form fails before anything is sent
        made: list[Known] = []
        results: list[PGresult] = []
        shown: list[Known | None] = []  # for each result to come, the statement that it is of
        pg.enter_pipeline_mode()
        try:
            if pg.transaction_status == TransactionStatus.IDLE:
                pg.send_query_params(_BEGIN, None)
                shown.append(None)
            for key, values, formats in asked:
                known, is_new = self._find(key, shown)
                if known.name is None and not is_new:
                    self._number += 1
                    known.name = b"moorage_%d" % self._number
                    pg.send_prepare(known.name, key[0].encode(), key[1])
                    made.append(known)
                    shown.append(None)
                if known.name is None:
                    pg.send_query_params(key[0].encode(), values, key[1], formats)
                else:
                    pg.send_query_prepared(known.name, values, formats)
                shown.append(known)
            pg.pipeline_sync()
            results = self._fetch()
            pg.exit_pipeline_mode()
        except BaseException:
            self._raw.close()  # half of a pipeline: nobody knows what the server has got
            raise
        for result in results:
            if result.status not in DONE:
                for known in made:
                    known.name = None
                raise psycopg.errors.error_from_result(result, encoding=self._raw.info.encoding)
        return [load_rows(self._raw, known, result) for known, result in zip(shown, results, strict=True) if known]

    def begin(self) -> None:
        """Begin a transaction unless there is one: for statements that go another way."""
        self.settle()
        if self._raw.pgconn.transaction_status == TransactionStatus.IDLE:
            result = self._raw.pgconn.exec_(_BEGIN)
            if result.status != ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result, encoding=self._raw.info.encoding)

    def rollback(self, *, wait: bool) -> bool:
        """Have the transaction rolled back. False: the connection is of no use any more.

        Args:
            wait: until it is done; else that is left to the next statement.
        """
        pg = self._raw.pgconn
        try:
            if pg.status == ConnStatus.OK and pg.transaction_status != TransactionStatus.IDLE:
                pg.send_query(b"ROLLBACK")
                pg.flush()
                self._rolling_back = True
            if wait:
                self.settle()
        except psycopg.Error:
            return False
        return pg.status == ConnStatus.OK

    def settle(self) -> None:
        """Read the answer to a ROLLBACK that nobody waited for.

        Raises:
            psycopg.OperationalError: the connection is dead.
        """
        if not self._rolling_back:
            return
        self._rolling_back = False
        pg = self._raw.pgconn
        self._flush()
        failed = None
        while True:
            self._wait()
            result = pg.get_result()
            if result is None:
                break
            if result.status != ExecStatus.COMMAND_OK:
                failed = result
        if failed is not None or pg.status != ConnStatus.OK:
            self._raw.close()
            raise psycopg.OperationalError("the connection was lost while it was idle")

    def _ask(self, text: str, args: tuple[object, ...]) -> tuple[_Key, Sequence[Any], Sequence[Any]]:
        """A statement by its text and the types of its arguments, the arguments, and what form they have."""
        dumpers = self._dumpers
        values = dumpers.dump_sequence(args, [PyFormat.AUTO] * len(args))
        return (text, dumpers.types or ()), values, dumpers.formats or ()

    def _find(self, key: _Key, shown: list[Known | None]) -> tuple[Known, bool]:
        """What is known of a statement, and whether it runs for the first time."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found, False
        found = self._known[key] = Known()
        if len(self._known) > MAX_PREPARED:
            _, old = self._known.popitem(last=False)
            if old.name is not None:
                self._raw.pgconn.send_query_params(b"DEALLOCATE " + old.name, None)
                shown.append(None)
        return found, True

    def _fetch(self) -> "list[PGresult]":
        """All results up to the mark at the end of the pipeline."""
        pg = self._raw.pgconn
        results: list[PGresult] = []
        self._flush()
        while True:
            self._wait()
            result = pg.get_result()
            if result is None:
                if pg.status != ConnStatus.OK:
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return results
            else:
                results.append(result)

    def _flush(self) -> None:
        pg = self._raw.pgconn
        while pg.flush():
            select.select([pg.socket], [pg.socket], [])
            pg.consume_input()  # the server may have to get rid of its answers first

    def _wait(self) -> None:
        pg = self._raw.pgconn
        while pg.is_busy():
            self._poll.poll()
            pg.consume_input()


def load_rows(raw: "psycopg.BaseConnection[Any]", known: Known, result: "PGresult") -> list[Row]:
    """The rows of a result; none, where its statement gives none."""
    if result.status != ExecStatus.TUPLES_OK:
        return []
    loaders = known.loaders
    if loaders is None:
        known.loaders = loaders = Transformer(raw)
        loaders.set_pgresult(result)
    else:
        loaders.set_pgresult(result, set_loaders=False)  # a statement's columns have the same types each time
    return loaders.load_rows(0, result.ntuples, tuple)


class PostgresqlLookouts:
    """Connections of their own, kept open: to take one from a pool and give it back costs more than a statement.

    A transaction begins with its first statement, in the same round trip, and nobody waits for its ROLLBACK.

    Args:
        engine: without a pool, and with autocommit: transactions are begun here.
        size: how many connections are kept.
    """

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine = engine
        self._size = size
        self._idle: deque[Connection] = deque()

        @event.listens_for(self._engine, "before_cursor_execute")
        def before_statement(connection: Connection, *_: object) -> None:
            try:
                _pipeline(connection).begin()
            except psycopg.Error as error:
                give_up(connection, error, psycopg.Error)

    def look(
        self,
        subscribers: Subscribers,
        story: Callable[Concatenate[Work, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `story` in a read-only transaction. The server stops a statement after 30 s."""
        try:
            connection = self._idle.pop()  # the warmest one; atomic
        except IndexError:
            connection = self._engine.connect()
        _pipeline(connection)
        try:
            return story(Work(connection, subscribers), *args, **kwargs)
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close the idle connections. If one of them was found dead, the others may be, too."""
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread was faster
                self._end(self._idle.pop(), wait=True)

    def _give_back(self, connection: Connection) -> None:
        is_kept = len(self._idle) < self._size
        if self._end(connection, wait=not is_kept or connection.in_transaction(), close=not is_kept):
            self._idle.append(connection)

    def _end(self, connection: Connection, *, wait: bool, close: bool = True) -> bool:
        """End the transaction; whether the connection is open still."""
        if connection.invalidated or not _pipeline(connection).rollback(wait=wait):
            connection.invalidate()
            close = True
        else:
            connection.rollback()  # SQLAlchemy's own idea of it; nothing is sent
        if close:
            connection.close()
        return not close


def _pipeline(connection: Connection) -> Pipeline:
    """The one of this connection, which lasts as long as the driver's does."""
    found: Pipeline | None = connection.info.get("pipeline")
    if found is None:
        raw: Any = connection.connection.dbapi_connection
        connection.info["pipeline"] = found = Pipeline(raw)
    return found

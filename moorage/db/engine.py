"""The two databases: their engines, pragmas and pools, transactions as plain functions, and the fast lane.

A construct that works on one database only lives here, or in a function with both branches side by side.
"""

import asyncio
import contextlib
import functools
import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import NullPool, StaticPool

from moorage.db.base import read_json
from moorage.db.statements import SESSION_OPTIONS, Query, Reader, Row
from moorage.db.unit_of_work import Subscribers, Work
from moorage.errors import DatabaseUnavailable, Problem, StorageFull
from moorage.events import SYSTEM, Actor

if TYPE_CHECKING:
    from moorage.db.pipeline import PostgresqlLookouts

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("moorage.db")

_ATTEMPTS = 3
_RETRY_SQLSTATES = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
_CANCELLED_SQLSTATE = "57014"  # by the statement timeout: what took 30 s takes them again
_BUSY_TIMEOUT_SECONDS = 30
LOOK_SECONDS = 30.0
"""How long a read-only story may take."""

_SHORT_TOGETHER = 16
"""Stories that share a commit at most: the first of them is answered with the last."""
_NOTHING = object()
_LOOKOUTS = 2
_STEPS_BETWEEN_CHECKS = 1_000_000  # of SQLite's machine, some 10 ms: an ordinary look never comes so far


class Database:
    """The database of this process.

    Attributes:
        kind: `sqlite` or `postgresql`.
        read: the fast lane.
        relieve: is told of a problem that rolled a story back; True: the cause was taken away, try again. In the
            thread of the story, between two transactions.
    """

    relieve: Callable[[Problem], bool] | None = None

    def __init__(self, url: str, *, pool_size: int = 10, subscribers: Subscribers | None = None) -> None:
        self.url: URL = make_url(url)
        self.kind = self.url.get_backend_name()
        self.subscribers = subscribers or Subscribers()
        self.engine: Engine
        self.read: Reader
        if self.kind == "sqlite":
            self.engine = _sqlite_engine(self.url)
            self._run_threads: _Threads = _Writer(self._share)
            self.read = _SqliteReader(Path(self.url.database or ""))
            self._lookouts: _SqliteLookouts | PostgresqlLookouts = _SqliteLookouts(Path(self.url.database or ""))
            self._look_threads = _Threads(_LOOKOUTS, "sqlite-look")
        else:
            self.engine = postgresql_engine(self.url, pool_size)
            self._run_threads = _Threads(pool_size, "postgresql")
            from moorage.db import pipeline, query_execution  # noqa: PLC0415 - a server on SQLite never needs them

            self.read = query_execution.PostgresqlReader(self.url, pool_size)
            looks = max(2, pool_size // 2)
            self._lookouts = pipeline.PostgresqlLookouts(
                postgresql_engine(self.url, 0, isolation_level="AUTOCOMMIT"), looks
            )
            self._look_threads = _Threads(looks, "postgresql-look")
        self._lock = threading.Lock() if self.kind == "sqlite" else None

    async def run(
        self, actor: Actor, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `story` as one transaction off the event loop, and return its result once it is committed.

        Rolls back on any exception. A deadlock, a serialization failure, a lost connection or a constraint that
        another transaction won repeats the whole story, at most 3 times: every story is safe to repeat. One that the
        server stopped, because a statement took longer than 30 s, is not repeated. One that was refused is, where
        `relieve` took the cause away.

        Raises:
            DatabaseUnavailable: it could not be done in time.
            StorageFull: the database's disk is full.
        """
        return await self._run_threads.call(functools.partial(self.run_here, actor, story, *args, **kwargs))

    async def run_short(
        self, actor: Actor, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `run` does, for a story of a few milliseconds: on SQLite those that wait together share a commit.

        Each is a savepoint in one transaction, so none sees half of another, and one that fails takes nothing of the
        others with it: it is undone, and repeated in a transaction of its own. All are answered after the commit.
        PostgreSQL gathers the commits of its connections itself.

        Raises:
            DatabaseUnavailable, StorageFull: as `run`.
        """
        short = _Short(self, actor, functools.partial(_last, story, args, kwargs))
        result: T = await self._run_threads.call(short)
        return result

    def _share(self, shorts: "list[_Short]") -> "list[_Done | None]":
        """Run stories in one transaction; None for those that are not done and need one of their own."""
        done: list[_Done | None] = []
        try:
            with self._lock or contextlib.nullcontext(), self.engine.begin() as connection:
                raw: Any = connection.connection.dbapi_connection
                for short in shorts:
                    work = Work(connection, self.subscribers, short.actor)
                    raw.execute("SAVEPOINT short").close()
                    try:
                        result = short.story(work)
                    except Exception:  # noqa: BLE001 - it is raised to the caller when it happens again
                        raw.execute("ROLLBACK TO short").close()
                        done.append(None)
                    else:
                        done.append(_Done(result))
                        short.after = work.after
                    raw.execute("RELEASE short").close()
        except Exception:  # noqa: BLE001 - nothing is committed: what is wrong is told to each by itself
            return [None] * len(shorts)
        for short in shorts:
            _ring(short.after)
        return done

    def run_here(
        self, actor: Actor, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `run` does, in the calling thread: for the command line, jobs and tests."""
        attempt = 1
        while True:
            try:
                work, result = self._once(actor, story, *args, **kwargs)
            except Problem as refused:
                if self.relieve is None or not self.relieve(refused):
                    raise
            except DBAPIError as error:
                problem = _unavailable(error)
                if problem is None:
                    raise
                if attempt >= _ATTEMPTS or getattr(error.orig, "sqlstate", None) == _CANCELLED_SQLSTATE:
                    raise problem from error
                time.sleep(0.01 * attempt * attempt)
                attempt += 1
            else:
                _ring(work.after)
                return result

    def _once(
        self, actor: Actor, story: Callable[Concatenate[Work, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> tuple[Work, T]:
        if self._lock is None:
            with self.engine.begin() as connection:
                work = Work(connection, self.subscribers, actor)
                return work, story(work, *args, **kwargs)
        with self._lock, self.engine.begin() as connection:
            work = Work(connection, self.subscribers, actor)
            return work, story(work, *args, **kwargs)

    async def look(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a story that only reads, off the event loop, on one consistent snapshot, beside the writer.

        What is committed before the call is seen; what is committed meanwhile is not. A write in `story` is an error
        of the database. `work.actor` is the system: a reading story takes whom it reads for as an argument.

        Cost: with SQLite some 80 microseconds more than its statements, half of it the way to the thread and back;
        with PostgreSQL two round trips more, past the drivers.

        Raises:
            DatabaseUnavailable: the database cannot be reached, or the story took longer than 30 s.
        """
        return await self._look_threads.call(functools.partial(self.look_here, story, *args, **kwargs))

    def look_here(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `look` does, in the calling thread: for the command line, jobs and tests."""
        for is_first in (True, False):
            try:
                return self._lookouts.look(self.subscribers, story, *args, **kwargs)
            except DBAPIError as error:
                if is_first and error.connection_invalidated:
                    self._lookouts.close()  # it had died while it waited, as others may have
                    continue
                problem = _unavailable(error)
                if problem is None or "readonly database" in str(error.orig):
                    raise
                raise problem from error
        raise AssertionError  # the second round returns or raises

    async def close(self) -> None:
        """Give back threads and connections."""
        self._run_threads.close()
        self._look_threads.close()
        self._lookouts.close()
        self.engine.dispose()
        await self.read.close()

    async def check(self) -> None:
        """Write a row durably: what `/readyz` asks.

        Raises:
            DatabaseUnavailable, StorageFull: as `run`.
        """
        await self.run(SYSTEM, _touch)


def _ring(bells: list[Callable[[], None]]) -> None:
    """Make the calls of a story that is committed."""
    for bell in bells:
        try:
            bell()
        except Exception:
            log.exception("a bell could not be rung; its sweep will find the work")


def _last(story: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], work: Work) -> T:
    """Call a story whose arguments came before its unit of work."""
    return story(work, *args, **kwargs)


def _touch(work: Work) -> None:
    work.db.exec_driver_sql("UPDATE probe SET count = count + 1 WHERE id = 1")


def _unavailable(error: DBAPIError) -> DatabaseUnavailable | StorageFull | None:
    """The problem that the caller is told when trying again did not help; None for a bug of ours."""
    if error.connection_invalidated:
        return DatabaseUnavailable(headers={"Retry-After": "5"})
    state = getattr(error.orig, "sqlstate", None)
    text = str(error.orig)
    if state == "53100" or "disk is full" in text:
        return StorageFull("The database's disk is full; free some space and try again.", headers={"Retry-After": "30"})
    if state == "23502" or "NOT NULL constraint failed" in text:
        return None  # no other transaction can be the cause
    if isinstance(error, IntegrityError) or state in _RETRY_SQLSTATES:
        return DatabaseUnavailable(
            "The database is too busy to settle a conflict; try again.", headers={"Retry-After": "1"}
        )
    if isinstance(error, OperationalError):
        if state is not None and not state.startswith(("08", "53", "57")):
            return None
        if state is None and ("no such" in text or "syntax error" in text):
            return None
        return DatabaseUnavailable(headers={"Retry-After": "5"})
    return None


_Call = tuple[asyncio.Future[Any], Callable[[], Any]]


class _Done(NamedTuple):
    """What a story returned whose transaction is committed."""

    result: Any


class _Short:
    """A story that may share a commit; called, it runs in a transaction of its own."""

    __slots__ = ("_database", "actor", "after", "story")

    def __init__(self, database: Database, actor: Actor, story: Callable[[Work], Any]) -> None:
        self._database = database
        self.actor = actor
        self.story = story
        self.after: list[Callable[[], None]] = []

    def __call__(self) -> Any:  # noqa: ANN401 - whatever the story returns
        return self._database.run_here(self.actor, self.story)


class _Threads:
    """A few threads that take calls from event loops: the way there and back is half of what an executor's costs."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._threads: list[threading.Thread] = []
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()

    async def call(self, function: Callable[[], T]) -> T:
        """What `function` returns or raises in one of the threads; they are started with the first call."""
        if not self._threads:
            for number in range(self._count):
                thread = threading.Thread(target=self._serve, name=f"{self._name}-{number}", daemon=True)
                self._threads.append(thread)
                thread.start()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls.put((answer, function))
        return await answer

    def close(self) -> None:
        """Finish what was asked for, then end the threads."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            _run_call(*call)
            del call  # a waiting thread must not keep a request alive


class _Writer(_Threads):
    """SQLite's one writer. Short stories that wait for it share the next commit, which takes longer than they do.

    Args:
        share: runs several of them in one transaction.
    """

    def __init__(self, share: Callable[[list[_Short]], list[_Done | None]]) -> None:
        super().__init__(1, "sqlite-writer")
        self._share = share

    def _serve(self) -> None:
        call = self._calls.get()
        while call is not None:
            together, following = self._gather(call)
            if len(together) == 1:
                _run_call(*together[0])
            else:
                self._serve_together(together)
            del call, together  # a waiting thread must not keep a request alive
            call = self._calls.get() if following is _NOTHING else following  # type: ignore[assignment]
            del following

    def _gather(self, call: _Call) -> tuple[list[_Call], object]:
        """The short stories that wait behind this one without another between, and the call that follows them."""
        together = [call]
        if not isinstance(call[1], _Short):
            return together, _NOTHING
        while len(together) < _SHORT_TOGETHER:
            try:
                following = self._calls.get_nowait()
            except queue.Empty:
                break
            if following is None or not isinstance(following[1], _Short):
                return together, following
            together.append(following)
        return together, _NOTHING

    def _serve_together(self, calls: list[_Call]) -> None:
        wanted = [call for call in calls if not call[0].cancelled()]
        shorts = [call[1] for call in wanted if isinstance(call[1], _Short)]
        for call, done in zip(wanted, self._share(shorts), strict=True):
            if done is None:
                _run_call(*call)
            else:
                _tell(call[0], done.result, None)


def _run_call(answer: asyncio.Future[Any], function: Callable[[], Any]) -> None:
    if answer.cancelled():
        return
    result, error = None, None
    try:
        result = function()
    except BaseException as caught:  # noqa: BLE001 - whatever it is, it is the caller's
        error = caught
    _tell(answer, result, error)


def _tell(answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        answer.get_loop().call_soon_threadsafe(_answer, answer, result, error)


def _answer(answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if answer.cancelled():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


# -- SQLite -----------------------------------------------------------------------------------------------


def _sqlite_engine(url: URL) -> Engine:
    """One writing connection for the process, used by one thread at a time.

    WAL with `synchronous=FULL`: a committed transaction survives a power cut.
    """
    engine = create_engine(
        url,
        poolclass=StaticPool,
        json_deserializer=read_json,
        connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_SECONDS, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours: IMMEDIATE, or a write could fail after its reads
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=4000"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's Connection, by event contract
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


class _SqliteReader:
    """Reads in the event loop: a look-up takes some 15 microseconds, a hop to a thread three times as long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def _open(self) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=1, cached_statements=256
        )
        connection.execute("PRAGMA query_only=ON").close()
        connection.execute("PRAGMA mmap_size=268435456").close()
        self._connection = connection
        return connection

    async def one(self, query: Query, *args: object) -> Row | None:
        """The first row, or None."""
        try:
            row: Row | None = (self._connection or self._open()).execute(query.sqlite, args).fetchone()
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailable(headers={"Retry-After": "5"}) from error
        return row

    async def all(self, query: Query, *args: object) -> list[Row]:
        """All rows."""
        try:
            return (self._connection or self._open()).execute(query.sqlite, args).fetchall()
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailable(headers={"Retry-After": "5"}) from error

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Lookout:
    """A read-only connection, used by one thread at a time. `until`: monotonic seconds, when its story is stopped."""

    __slots__ = ("connection", "raw", "until")

    def __init__(self, connection: Connection, raw: sqlite3.Connection) -> None:
        self.connection = connection
        self.raw = raw
        self.until = 0.0
        raw.set_progress_handler(self._is_late, _STEPS_BETWEEN_CHECKS)

    def _is_late(self) -> bool:
        return time.monotonic() > self.until


class _SqliteLookouts:
    """Connections that read beside the writer. A reader in WAL mode never waits for the writer's lock."""

    def __init__(self, path: Path) -> None:
        self._uri = f"{path.absolute().as_uri()}?mode=ro"
        self._engine = create_engine(
            "sqlite://", creator=self._connect, poolclass=NullPool, json_deserializer=read_json
        )
        self._idle: deque[_Lookout] = deque()

    def _connect(self) -> sqlite3.Connection:
        raw = sqlite3.connect(
            self._uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5, cached_statements=512
        )
        raw.execute("PRAGMA query_only=ON").close()
        raw.execute("PRAGMA mmap_size=268435456").close()
        return raw

    def look(
        self,
        subscribers: Subscribers,
        story: Callable[Concatenate[Work, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `story` in a deferred transaction: its snapshot is taken by its first statement."""
        try:
            lookout = self._idle.pop()  # the warmest one; atomic
        except IndexError:
            connection = self._engine.connect()
            raw: Any = connection.connection.dbapi_connection
            lookout = _Lookout(connection, raw)
        lookout.until = time.monotonic() + LOOK_SECONDS
        try:
            lookout.raw.execute("BEGIN")
            result = story(Work(lookout.connection, subscribers), *args, **kwargs)
            lookout.connection.rollback()
            lookout.raw.rollback()  # of a story that asked nothing
        except BaseException:
            lookout.connection.close()  # a new one costs less than to find out what this one is still good for
            raise
        if len(self._idle) < _LOOKOUTS:
            self._idle.append(lookout)
        else:
            lookout.connection.close()
        return result

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().connection.close()


# -- PostgreSQL -------------------------------------------------------------------------------------------


def postgresql_engine(url: URL, pool_size: int, **options: Any) -> Engine:  # noqa: ANN401 - SQLAlchemy's options
    """A pool of connections with bounded statements: no transaction may hang. `pool_size` 0: no pool."""
    kept: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": _BUSY_TIMEOUT_SECONDS}
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        json_deserializer=read_json,
        **(kept if pool_size else {"poolclass": NullPool}),
        connect_args={
            "connect_timeout": 10,
            "prepare_threshold": 2,
            "options": f"{SESSION_OPTIONS} -c idle_in_transaction_session_timeout=30000",
        },
        **options,
    )

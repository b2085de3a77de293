"""Execute the reads of the fast lane on PostgreSQL, several in one round trip.

An event loop that serves many requests asks for many rows between two of its turns. One connection carries them all:
the server wakes up once for them, and so do we. A statement is prepared with its first run on a connection. Each sees
what was committed when it ran: PostgreSQL takes a snapshot for each statement of a pipeline.

Source: PostgreSQL, "Pipeline Mode" of libpq.
"""

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.pq import ConnStatus, ExecStatus, Format
from sqlalchemy import URL

from moorage.db.pipeline import DONE, MAX_PREPARED, Known, load_rows
from moorage.db.statements import SESSION_OPTIONS, Query, Row
from moorage.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

AT_ONCE = 16
"""Statements in one round trip at most: the first of them waits for the last."""
_SECONDS = 35.0
"""After so long without an answer a connection is given up; the server stops a statement after 30."""
_PREPARED_ANEW = {"0A000", "26000"}
"""States of a prepared statement that has to be prepared again: its table has changed, or it is not known any more."""


class _JsonText(Loader):
    """JSON as it stands, for whoever needs it parsed."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        """The text."""
        return str(data, "utf-8")


class _JsonbText(_JsonText):
    def load(self, data: Buffer) -> str:
        """The text, behind the version of its form."""
        return str(memoryview(data)[1:], "utf-8")


_FORMATS: dict[type, Format] = {bytes: Format.BINARY, str: Format.BINARY}
"""How a value is sent. A text goes with its length: libpq ends one in the other form at a zero byte."""


class _Asked:
    """A statement that somebody waits for."""

    __slots__ = ("alone", "answer", "formats", "is_second", "line", "text", "values")

    def __init__(self, query: Query, args: tuple[object, ...], answer: "asyncio.Future[list[Row]]") -> None:
        self.text = query.postgresql
        self.alone = query.alone
        self.values = [_write(one) for one in args]
        self.formats = [_FORMATS.get(type(one), Format.TEXT) for one in args]
        self.answer = answer
        self.is_second = False
        self.line: _Line | None = None


def _write(value: object) -> bytes | None:
    """A value in a form that the server reads as whatever type the statement has there."""
    if value is None or type(value) is bytes:
        return value
    if type(value) is bool:
        return b"t" if value else b"f"
    return str(value).encode()


class PostgresqlReader:
    """The fast lane on PostgreSQL.

    Args:
        url: of the database.
        size: connections at most.
    """

    def __init__(self, url: URL, size: int) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self._size = size
        self._waiting: deque[_Asked] = deque()
        self._idle: list[_Line] = []
        self._lines: set[_Line] = set()
        self._is_called = False
        self._connecting: asyncio.Task[None] | None = None

    async def one(self, query: Query, *args: object) -> Row | None:
        """The first row, or None."""
        rows = await self._ask(query, args)
        return rows[0] if rows else None

    async def all(self, query: Query, *args: object) -> list[Row]:
        """All rows."""
        return await self._ask(query, args)

    async def _ask(self, query: Query, args: tuple[object, ...]) -> list[Row]:
        loop = asyncio.get_running_loop()
        asked = _Asked(query, args, loop.create_future())
        self._waiting.append(asked)
        self._call(loop)
        try:
            return await asked.answer
        except asyncio.CancelledError:
            if asked.line is not None:
                asked.line.give_up_unless_wanted()
            raise

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send what waits once everything that is ready now has asked."""
        if not self._is_called:
            self._is_called = True
            loop.call_soon(self._send)

    def _send(self) -> None:
        self._is_called = False
        waiting = self._waiting
        while waiting:
            if waiting[0].answer.done():
                waiting.popleft()
                continue
            if not self._idle:
                if self._connecting is None and len(self._lines) < self._size:
                    self._connecting = asyncio.get_running_loop().create_task(self._connect())
                return
            batch = [waiting.popleft()]
            while not batch[0].alone and waiting and not waiting[0].alone and len(batch) < AT_ONCE:
                batch.append(waiting.popleft())
            self._idle.pop().send(batch)  # the warmest one

    async def _connect(self) -> None:
        _, how = self._url.get_dialect()().create_connect_args(self._url)
        how["connect_timeout"] = 10
        how["options"] = f"{SESSION_OPTIONS} -c default_transaction_read_only=on"
        try:
            raw = await psycopg.AsyncConnection.connect(autocommit=True, **how)
        except (psycopg.Error, OSError) as error:
            self._connecting = None
            if not self._lines:  # else one of those takes them
                self._refuse(error)
            return
        except BaseException as error:
            self._connecting = None
            self._refuse(error)
            raise
        self._connecting = None
        raw.adapters.register_loader("json", _JsonText)
        raw.adapters.register_loader("jsonb", _JsonbText)
        line = _Line(self, raw)
        self._lines.add(line)
        self._idle.append(line)
        self._send()

    def _refuse(self, cause: BaseException) -> None:
        """Tell those who wait that there is no connection."""
        while self._waiting:
            _fail(self._waiting.popleft(), cause)

    def take_back(self, line: "_Line") -> None:
        """A connection has nothing to do any more."""
        self._idle.append(line)
        if self._waiting:
            self._call(asyncio.get_running_loop())

    def replace(self, line: "_Line", unanswered: list[_Asked], cause: BaseException | None) -> None:
        """A connection is lost. What it has not answered is asked once more: all of it only reads."""
        self._lines.discard(line)
        with contextlib.suppress(ValueError):
            self._idle.remove(line)
        for asked in reversed(unanswered):
            self.ask_again(asked, cause)
        if self._waiting:
            self._call(asyncio.get_running_loop())

    def ask_again(self, asked: _Asked, cause: BaseException | None = None, *, counts: bool = True) -> None:
        """Before all others; where it `counts`, the first time only."""
        if asked.is_second and counts:
            _fail(asked, cause)
            return
        asked.is_second |= counts
        asked.line = None
        self._waiting.appendleft(asked)

    async def close(self) -> None:
        """Close the connections, once nobody reads any more."""
        if self._connecting is not None:
            await asyncio.wait({self._connecting})
        open_ = [*(asked.answer for asked in self._waiting), *(one for line in self._lines for one in line.answers())]
        if open_:
            await asyncio.wait(open_)
        for line in list(self._lines):
            line.end()
        self._lines.clear()
        self._idle.clear()


def _fail(asked: _Asked, cause: BaseException | None) -> None:
    if not asked.answer.done():
        problem = DatabaseUnavailable(headers={"Retry-After": "5"})
        problem.__cause__ = cause
        asked.answer.set_exception(problem)


class _Line:
    """A connection, in pipeline mode for good."""

    def __init__(self, reader: PostgresqlReader, raw: "psycopg.AsyncConnection[Any]") -> None:
        self._reader = reader
        self._raw = raw
        self._pg = raw.pgconn
        self._known: dict[str, Known] = {}
        self._number = 0
        self._expected: deque[tuple[_Asked, bool]] = deque()  # for each result to come; True: of its preparation
        self._is_busy = False
        self._is_stuck = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._socket = self._pg.socket
        self._pg.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._read)

    def send(self, batch: list[_Asked]) -> None:
        """Ask for all of these."""
        self._is_busy = True
        pg, expected = self._pg, self._expected
        for asked in batch:
            asked.line = self
        try:
            for asked in batch:
                known = self._known.get(asked.text)
                if known is None:
                    known = self._learn(asked)
                if known.name is None:
                    pg.send_query_params(asked.text.encode(), asked.values, None, asked.formats, Format.BINARY)
                else:
                    pg.send_query_prepared(known.name, asked.values, asked.formats, Format.BINARY)
                expected.append((asked, False))
            pg.pipeline_sync()
            self._timer = self._loop.call_later(_SECONDS, self._expire)
            self._flush()
        except psycopg.Error as error:
            self._expected = deque((asked, False) for asked in batch)
            self._lose(error)

    def _flush(self) -> None:
        """Send what is written; the rest when the server takes it."""
        try:
            if self._pg.flush():
                self._is_stuck = True
                self._loop.add_writer(self._socket, self._flush)
            elif self._is_stuck:
                self._is_stuck = False
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._lose(error)

    def _read(self) -> None:
        pg = self._pg
        try:
            pg.consume_input()
            while not pg.is_busy():
                result = pg.get_result()
                if result is not None:
                    if not self._take(result):
                        return
                elif not self._is_busy or pg.status != ConnStatus.OK:
                    break
        except psycopg.Error as error:
            self._lose(error)
            return
        if pg.status != ConnStatus.OK:
            self._lose()

    def _take(self, result: "PGresult") -> bool:
        """Give a result to whoever waits for it. False: there is no more to come, or none that counts."""
        status = result.status
        if status == ExecStatus.PIPELINE_SYNC:
            if self._timer is not None:
                self._timer.cancel()
            self._is_busy = False
            self._reader.take_back(self)
            return False
        asked, is_preparation = self._expected[0]
        if status in DONE:
            self._expected.popleft()
            if not is_preparation and not asked.answer.done():
                asked.answer.set_result(self._load(asked.text, result) if result.ntuples else [])
        elif status == ExecStatus.PIPELINE_ABORTED:
            self._expected.popleft()
            if is_preparation:
                self._known.pop(asked.text, None)  # to be prepared anew
            elif not asked.answer.done():
                self._reader.ask_again(asked, counts=False)
        else:
            error = psycopg.errors.error_from_result(result, encoding=self._raw.info.encoding)
            if (error.sqlstate or "").startswith(("08", "57P")):
                self._lose(error)
                return False
            self._expected.popleft()
            if is_preparation or error.sqlstate in _PREPARED_ANEW:
                self._known.pop(asked.text, None)  # to be prepared anew
            self._refuse(asked, error)
        return True

    def _refuse(self, asked: _Asked, error: psycopg.Error) -> None:
        """A statement has failed. What comes after it in the pipeline is answered as aborted."""
        if asked.answer.done():
            return
        if error.sqlstate in _PREPARED_ANEW and not asked.is_second:
            self._reader.ask_again(asked, error)
        elif isinstance(error, psycopg.OperationalError):  # out of time, of memory, of connections
            _fail(asked, error)
        else:
            asked.answer.set_exception(error)

    def _learn(self, asked: _Asked) -> Known:
        """Prepare a statement, while few enough are; what is beyond runs unprepared."""
        known = Known()
        if len(self._known) < MAX_PREPARED:
            self._known[asked.text] = known
            self._number += 1
            known.name = b"moorage_%d" % self._number
            self._pg.send_prepare(known.name, asked.text.encode())
            self._expected.append((asked, True))
        return known

    def _load(self, text: str, result: "PGresult") -> list[Row]:
        return load_rows(self._raw, self._known.get(text) or Known(), result)

    def answers(self) -> "list[asyncio.Future[list[Row]]]":
        """What is waited for."""
        return [asked.answer for asked, is_preparation in self._expected if not is_preparation]

    def give_up_unless_wanted(self) -> None:
        """Nobody waits for one of the answers any more; if nobody waits for any, the server need not go on."""
        if self._is_busy and all(answer.done() for answer in self.answers()):
            self._lose()

    def _expire(self) -> None:
        for asked, _ in self._expected:
            _fail(asked, TimeoutError(f"no answer within {_SECONDS} s"))
        self._lose()

    def _lose(self, cause: BaseException | None = None) -> None:
        unanswered = [asked for asked, is_preparation in self._expected if not (is_preparation or asked.answer.done())]
        self.end()
        self._reader.replace(self, unanswered, cause)

    def end(self) -> None:
        """Close the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._expected.clear()
        self._is_busy = False
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pg.finish()

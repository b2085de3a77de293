"""Send the audit log to a syslog receiver: at least once, in order, by one process at a time.

The table is the spool. A row for the receiver (`audit_export`) says up to where it has got everything; one process
holds its lease and sends what comes after. TCP says that bytes have reached the receiver's machine, never that the
receiver has read them: so what was sent counts as received only once it was acknowledged and the connection has lived
on for 3 s, or the receiver closed its side after the end of ours. When a connection breaks, what does not count yet is
sent again; a receiver tells repeated messages by their `id`.

On PostgreSQL a row can be committed after rows with higher ids were sent. Ids that were passed over are remembered and
looked for, until a minute is over and every transaction that ran then has ended (`counts.py` says why that is enough).
"""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import delete, func, insert, or_, select, text, update

from moorage.audit.row_counts import SETTLE_SECONDS, delete_rows
from moorage.audit.service import COLUMNS, Entry
from moorage.audit.syslog import Connection, describe, format_entry, frame, parse_endpoint
from moorage.audit.tables import Audit, AuditExport
from moorage.configuration.schema import Items
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.events import SYSTEM, ConfigurationChanged

BATCH = 500
LEASE_SECONDS = 60
RENEW_SECONDS = 10.0
RECEIVED_AFTER_SECONDS = 3.0
POLL_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
FINISH_SECONDS = 2.0

log = logging.getLogger("moorage.audit")

_Range = list[float]
_TO_COME = text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
_OLDEST = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


class LeaseLost(Exception):
    """Another process sends now, or the receiver is another one."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """All rows up to `upto` are sent, but for those of `missing`: [first, last, xmax, seconds since 1970] each."""

    upto: int
    missing: tuple[tuple[float, ...], ...] = ()


@dataclass(slots=True)
class _Sent:
    """Messages that were sent and do not count as received yet."""

    at: float
    cursor: Cursor
    ids: list[int] = field(default_factory=list)


# -- rows -------------------------------------------------------------------------------------------------


def on_configuration_changed(work: Work, event: ConfigurationChanged) -> None:
    """With a new receiver begin at this change; a replaced one hands over what it has not got."""
    endpoint = event.changes.get("audit_log_forward_endpoint")
    if endpoint is not None:
        begin(work, str(endpoint))


def begin(work: Work, endpoint: str) -> None:
    """Let `endpoint` be the receiver, "" for none. Safe to repeat."""
    rows = work.db.execute(select(AuditExport.endpoint, AuditExport.upto, AuditExport.missing)).all()
    if any(row[0] == endpoint for row in rows):
        return
    work.db.execute(delete(AuditExport))
    if endpoint:
        newest = work.db.scalar(select(func.coalesce(func.max(Audit.id), 0)))
        upto, missing = min(((row[1], row[2]) for row in rows), key=lambda row: row[0], default=(newest, []))
        work.db.execute(insert(AuditExport).values(endpoint=endpoint, upto=upto, missing=missing))


def take_lease(work: Work, endpoint: str, owner: str) -> Cursor | None:
    """Where to go on from, if nobody else sends to this receiver; None: somebody does."""
    begin(work, endpoint)
    free = or_(AuditExport.lease_owner == owner, AuditExport.lease_until.is_(None), AuditExport.lease_until < db_now())
    taken = work.db.execute(
        update(AuditExport)
        .where(AuditExport.endpoint == endpoint, free)
        .values(lease_owner=owner, lease_until=db_now(LEASE_SECONDS))
    )
    if not taken.rowcount:
        return None
    row = work.db.execute(select(AuditExport.upto, AuditExport.missing).where(AuditExport.endpoint == endpoint)).one()
    return Cursor(row[0], tuple(tuple(one) for one in row[1]))


def confirm(work: Work, endpoint: str, owner: str, cursor: Cursor, received: list[int], *, release: bool) -> None:
    """Note how far the receiver has got, and hold the lease on (or give it back).

    Args:
        received: ids of rows to delete, because the log is kept by the receiver alone.

    Raises:
        LeaseLost: it is not ours any more; nothing is noted.
    """
    kept = work.db.execute(
        update(AuditExport)
        .where(AuditExport.endpoint == endpoint, AuditExport.lease_owner == owner)
        .values(
            upto=cursor.upto,
            missing=[list(one) for one in cursor.missing],
            lease_owner="" if release else owner,
            lease_until=None if release else db_now(LEASE_SECONDS),
            sent_at=work.now,
            failing_since=None,
            error="",
        )
    )
    if not kept.rowcount:
        raise LeaseLost
    for start in range(0, len(received), BATCH):
        delete_rows(work, Audit.id.in_(received[start : start + BATCH]))


def note_failure(work: Work, endpoint: str, owner: str, error: str) -> None:
    """Note that the receiver cannot be reached, for people to see; the lease is held on."""
    work.db.execute(
        update(AuditExport)
        .where(AuditExport.endpoint == endpoint, AuditExport.lease_owner == owner)
        .values(
            error=error[:500],
            failing_since=func.coalesce(AuditExport.failing_since, work.now, type_=AuditExport.failing_since.type),
            lease_until=db_now(LEASE_SECONDS + LONGEST_PAUSE_SECONDS),
        )
    )


def next_entries(work: Work, cursor: Cursor) -> tuple[list[Entry], Cursor]:
    """What comes after the cursor, at most 500 rows and those that were missing, and the cursor after them."""
    found: list[Entry] = []
    missing = [list(one) for one in cursor.missing]
    if missing:
        late = or_(*(Audit.id.between(int(one[0]), int(one[1])) for one in missing))
        found = [Entry(*tuple(row)) for row in work.db.execute(select(*COLUMNS).where(late).order_by(Audit.id)).all()]
    after = select(*COLUMNS).where(Audit.id > cursor.upto).order_by(Audit.id).limit(BATCH)
    new = [Entry(*tuple(row)) for row in work.db.execute(after).all()]
    upto = new[-1].id if new else cursor.upto
    if work.db.dialect.name == "sqlite":  # one writer: an id that is not there never will be
        return new, Cursor(upto)
    if missing:
        oldest, now = work.db.scalar(_OLDEST) or 0, time.time()
        for entry in found:
            missing = _without(missing, entry.id)
        missing = [one for one in missing if one[2] > oldest or now - one[3] < SETTLE_SECONDS]
    if new and upto - cursor.upto > len(new):
        xmax, last = float(work.db.scalar(_TO_COME) or 0), cursor.upto
        for entry in new:
            if entry.id > last + 1:
                missing.append([float(last + 1), float(entry.id - 1), xmax, time.time()])
            last = entry.id
    return found + new, Cursor(upto, tuple(tuple(one) for one in missing))


def _without(ranges: list[_Range], number: int) -> list[_Range]:
    kept: list[_Range] = []
    for first, last, *more in ranges:
        if first <= number <= last:
            kept += [[a, b, *more] for a, b in ((first, number - 1), (number + 1, last)) if a <= b]
        else:
            kept.append([first, last, *more])
    return kept


# -- the sender -------------------------------------------------------------------------------------------


class Exporter:
    """Sends from this process while it holds the lease."""

    def __init__(self, database: Database, items: Callable[[], Items]) -> None:
        self._database = database
        self._items = items
        self._owner = str(uuid.uuid4())
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send when a receiver is set."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, after what was sent has been received if that takes 2 s at most; the rest is for the next process."""
        self._stopping.set()
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=FINISH_SECONDS + 3)
            if not done:
                self._task.cancel()
                await asyncio.wait({self._task})

    async def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            items = self._items()
            pause = 1.0
            if items.audit_log_forward_endpoint:
                try:
                    if await self._export(items):
                        failures = 0
                    else:
                        pause = 5.0
                except LeaseLost:
                    pause = 5.0
                except (OSError, TimeoutError, Problem) as error:
                    failures += 1
                    pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2 ** min(failures, 10))
                    await self._fail(items.audit_log_forward_endpoint, error, first=failures == 1)
            await self._wait(pause)

    async def _wait(self, seconds: float) -> None:
        """Wait, until the settings change or the end."""
        items, until = self._items(), time.monotonic() + seconds
        while not self._stopping.is_set() and time.monotonic() < until and self._items() is items:
            try:
                await asyncio.wait_for(self._stopping.wait(), min(1.0, seconds))
            except TimeoutError:
                continue

    async def _fail(self, endpoint: str, error: BaseException, *, first: bool) -> None:
        why = str(error) if isinstance(error, Problem) else describe(error)
        log.log(
            logging.WARNING if first else logging.INFO,
            "the audit log cannot be sent to %s; it waits in the database: %s",
            endpoint,
            why,
        )
        try:
            await self._database.run(SYSTEM, note_failure, endpoint, self._owner, why)
        except Problem as problem:
            log.warning("audit log export: %s", problem)

    async def _export(self, items: Items) -> bool:
        """Send until the settings change or the end. False: another process sends."""
        endpoint = items.audit_log_forward_endpoint
        target = parse_endpoint(endpoint, tls=items.audit_log_forward_tls, ca=items.audit_log_forward_ca_certificate)
        cursor = await self._database.run(SYSTEM, take_lease, endpoint, self._owner)
        if cursor is None:
            return False
        connection = await Connection.open(target)
        try:
            await self._send(connection, items, endpoint, cursor)
        finally:
            await connection.close()
        return True

    async def _send(self, connection: Connection, items: Items, endpoint: str, cursor: Cursor) -> None:
        received, sent = cursor, cursor
        waiting: deque[_Sent] = deque()
        noted = time.monotonic() - RENEW_SECONDS  # so that a failure that is over is not shown any longer
        keeps = not items.skip_audit_log_database

        async def note(upto_now: list[_Sent], *, release: bool = False) -> None:
            nonlocal received, noted
            received = upto_now[-1].cursor if upto_now else received
            ids = [] if keeps else [number for one in upto_now for number in one.ids]
            await self._database.run(SYSTEM, confirm, endpoint, self._owner, received, ids, release=release)
            noted = time.monotonic()

        while not self._stopping.is_set() and self._items() is items:
            entries, after = await self._database.look(next_entries, sent)
            if entries:
                await connection.send(b"".join(frame(format_entry(entry)) for entry in entries))
            if after != sent:
                waiting.append(_Sent(time.monotonic(), after, [entry.id for entry in entries]))
                sent = after
            connection.require_alive()
            ripe: list[_Sent] = []
            if waiting and time.monotonic() - waiting[0].at >= RECEIVED_AFTER_SECONDS and connection.has_arrived():
                while waiting and time.monotonic() - waiting[0].at >= RECEIVED_AFTER_SECONDS:
                    ripe.append(waiting.popleft())
            if ripe or time.monotonic() - noted >= RENEW_SECONDS:
                await note(ripe)
            if len(entries) < BATCH:
                await connection.wait(POLL_SECONDS)
                connection.require_alive()
        finished = await connection.finish(FINISH_SECONDS)
        await note(list(waiting) if finished else [], release=True)

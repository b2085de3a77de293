"""The audit log reaches a real syslog receiver: whole, in order, after any of them was away."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import func, insert, select, update

from moorage.audit import syslog_export
from moorage.audit.service import Entry
from moorage.audit.syslog import MAX_BYTES, check_receiver, format_entry, frame, parse_endpoint
from moorage.audit.syslog_export import Cursor, Exporter, LeaseLost, begin, confirm, next_entries, take_lease
from moorage.audit.tables import Audit, AuditExport
from moorage.configuration.schema import Items
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import ReceiverUnusable
from moorage.events import SYSTEM, ConfigurationChanged
from tests.api.identity.conftest import World
from tests.api.workers import until
from tests.parts import Parts
from tests.parts.rsyslog import Receiver, Rsyslog

NAME = "eve\n<110>1 - - audit - - - forged é \x1b[31m"


@pytest.fixture
def rsyslog(parts: Parts) -> Rsyslog:
    return parts.get("rsyslog", Rsyslog)


def add(work: Work, /, count: int = 1, **more: object) -> int:
    common = {"at": work.now, "resource_type": "artifact", "operation": "create", "resource": "p/a:v", "detail": {}}
    work.db.execute(insert(Audit), [{**common, **more} for _ in range(count)])
    return work.db.scalar(select(func.max(Audit.id))) or 0


def ids(receiver: Receiver) -> list[int]:
    return [facts["id"] for _, facts in receiver.received() if facts]


def upto(database: Database) -> int:
    return database.look_here(lambda work: work.db.scalar(select(func.max(AuditExport.upto))) or 0)


Start = Callable[[Items], Awaitable[Exporter]]


@pytest.fixture
async def start(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    monkeypatch.setattr(syslog_export, "RECEIVED_AFTER_SECONDS", 0.5)
    monkeypatch.setattr(syslog_export, "LONGEST_PAUSE_SECONDS", 1.0)
    running: list[Exporter] = []

    async def begin_at_zero(items: Items) -> Exporter:
        exporter = Exporter(world.database, lambda: items)
        exporter.start()
        running.append(exporter)
        return exporter

    yield begin_at_zero
    for exporter in running:
        await exporter.close()


# -- messages ---------------------------------------------------------------------------------------------


def make_entry(**changes: object) -> Entry:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    base = Entry(
        7, at, "ann", "token", "192.0.2.1", "r", 1, "artifact", "p/a:v", "create", ok=True, repeats=1, detail={}
    )
    return msgspec.structs.replace(base, **changes)


def test_a_message_is_one_line_of_ascii_whatever_is_in_it() -> None:
    message = format_entry(make_entry(username=NAME, resource=NAME, operation=NAME))
    assert all(0x20 <= byte < 0x7F for byte in message)
    assert frame(b"abc") == b"3 abc"


def test_a_long_message_is_shortened() -> None:
    message = format_entry(make_entry(resource="é" * 20_000, detail={"x": "y" * 20_000}))
    assert len(message) <= MAX_BYTES
    assert b'"shortened":true' in message


@pytest.mark.parametrize(
    ("endpoint", "host", "port"),
    [("h:514", "h", 514), ("10.0.0.1:6514", "10.0.0.1", 6514), ("[::1]:1", "::1", 1)],
)
def test_an_endpoint_is_a_host_and_a_port(endpoint: str, host: str, port: int) -> None:
    target = parse_endpoint(endpoint)
    assert (target.host, target.port) == (host, port)


@pytest.mark.parametrize(
    "endpoint", ["", "h", "h:0", "h:65536", "::1:5", "http://h:1", "u@h:1", "h:1\n", "h:x", "a b:1"]
)
def test_anything_else_is_refused(endpoint: str) -> None:
    with pytest.raises(ReceiverUnusable):
        parse_endpoint(endpoint)


# -- the cursor -------------------------------------------------------------------------------------------


async def test_a_new_receiver_begins_at_the_change_that_set_it(world: World) -> None:
    before = world.run(add, 3)
    world.run(lambda work: work.emit(ConfigurationChanged({"audit_log_forward_endpoint": "h:1"})))
    entries, _ = world.run(lambda work: next_entries(work, Cursor(upto(world.database))))
    assert upto(world.database) == before
    assert [entry.event for entry in entries] == ["update_configuration"]


async def test_a_replaced_receiver_hands_over_what_it_has_not_got(world: World) -> None:
    world.run(begin, "old:1")
    first = upto(world.database)
    world.run(add, 3)
    world.run(begin, "new:1")
    assert upto(world.database) == first
    world.run(begin, "")
    assert world.scalar(select(func.count()).select_from(AuditExport)) == 0


async def test_one_process_sends_at_a_time(world: World) -> None:
    cursor = world.run(take_lease, "h:1", "a")
    assert cursor is not None
    assert world.run(take_lease, "h:1", "b") is None
    assert world.run(take_lease, "h:1", "a") == cursor
    world.run(lambda work: work.db.execute(update(AuditExport).values(lease_until=db_now(-1))))
    assert world.run(take_lease, "h:1", "b") == cursor
    with pytest.raises(LeaseLost):
        world.run(confirm, "h:1", "a", Cursor(99), [], release=False)
    assert upto(world.database) == cursor.upto
    world.run(confirm, "h:1", "b", Cursor(cursor.upto), [], release=True)
    assert world.run(take_lease, "h:1", "c") == cursor


async def test_a_row_that_is_committed_late_is_sent_late(world: World) -> None:
    database = world.database
    if database.kind == "sqlite":
        return  # one writer: rows appear in the order of their ids
    start = Cursor(world.run(add))
    drawn, leave = threading.Event(), threading.Event()
    late: list[int] = []

    def slow(work: Work) -> None:
        late.append(add(work))
        drawn.set()
        assert leave.wait(20)

    writer = threading.Thread(target=database.run_here, args=(SYSTEM, slow))
    writer.start()
    assert drawn.wait(20)
    world.run(add, 2)
    first, cursor = database.look_here(next_entries, start)
    again, cursor = database.look_here(next_entries, cursor)
    leave.set()
    writer.join()
    second, cursor = database.look_here(next_entries, cursor)
    third, cursor = database.look_here(next_entries, cursor)

    assert len(first) == 2
    assert again == third == []
    assert [entry.id for entry in second] == late
    assert cursor.missing == ()


async def test_ids_that_never_come_are_forgotten_after_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    start = Cursor(world.run(add))
    with pytest.raises(ZeroDivisionError):
        world.run(lambda work: (add(work), 1 / 0))
    world.run(add)
    _, cursor = world.database.look_here(next_entries, start)
    assert len(cursor.missing) == (0 if world.database.kind == "sqlite" else 1)
    assert world.database.look_here(next_entries, cursor)[1] == cursor
    monkeypatch.setattr(syslog_export, "SETTLE_SECONDS", 0)
    assert world.database.look_here(next_entries, cursor)[1].missing == ()


# -- a real receiver --------------------------------------------------------------------------------------


@pytest.mark.part("rsyslog")
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
async def test_rows_arrive_with_their_fields(world: World, rsyslog: Rsyslog, start: Start, *, tls: bool) -> None:
    receiver = rsyslog.tls if tls else rsyslog.plain
    receiver.start()
    try:
        items = Items(
            audit_log_forward_endpoint=receiver.endpoint,
            audit_log_forward_tls=tls,
            audit_log_forward_ca_certificate=receiver.ca,
        )
        await check_receiver(receiver.endpoint, tls=tls, ca=receiver.ca)
        world.run(begin, receiver.endpoint)
        had = len(receiver.received())
        world.run(add, 1, principal_name=NAME, address="192.0.2.7", credential="token", project_id=5, detail={"a": "é"})
        last = world.run(add, 1, ok=False, operation="login", resource_type="user", repeats=3)
        exporter = await start(items)
        await until(lambda: len(receiver.received()) >= had + 2)
        await until(lambda: upto(world.database) == last)
        await exporter.close()
    finally:
        receiver.stop()

    (head, facts), (refused, login) = receiver.received()[had:]
    assert (head["app"], head["msgid"], head["pri"]) == ("audit", "create_artifact", "110")
    assert head["data"].startswith('[origin software="moorage"')
    assert (facts["username"], facts["address"], facts["detail"], facts["project_id"]) == (
        NAME,
        "192.0.2.7",
        {"a": "é"},
        5,
    )
    assert (refused["pri"], refused["msgid"]) == ("108", "login_user")
    assert (login["operation_result"], login["repeats"], login["id"]) == (False, 3, last)


@pytest.mark.part("rsyslog")
@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_nothing_is_lost_while_the_receiver_is_away(
    world: World, rsyslog: Rsyslog, start: Start, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "kill":  # the product's: a receiver that is killed has written what it got so long ago
        monkeypatch.setattr(syslog_export, "RECEIVED_AFTER_SECONDS", 3.0)
    receiver = rsyslog.plain
    receiver.start()
    try:
        first = world.run(add)
        world.run(begin, receiver.endpoint)
        had = len(receiver.received())
        exporter = await start(Items(audit_log_forward_endpoint=receiver.endpoint))
        last = first
        for round_ in range(6):
            last = world.run(add, 40)
            await asyncio.sleep(0.1)
            if round_ == 2:
                getattr(receiver, how)()
        await until(lambda: bool(world.scalar(select(func.max(AuditExport.error)))))
        receiver.start()
        await until(lambda: last in ids(receiver)[had:])
        await until(lambda: upto(world.database) == last)
        await until(lambda: not world.scalar(select(func.max(AuditExport.error))))
        await exporter.close()
    finally:
        receiver.stop()

    got = ids(receiver)[had:]
    assert list(dict.fromkeys(got)) == list(range(first + 1, last + 1))


@pytest.mark.part("rsyslog")
async def test_a_log_that_only_the_receiver_keeps_leaves_the_database(
    world: World, rsyslog: Rsyslog, start: Start
) -> None:
    receiver = rsyslog.plain
    receiver.start()
    try:
        kept = world.run(add)
        world.run(begin, receiver.endpoint)
        had = len(receiver.received())
        await start(Items(audit_log_forward_endpoint=receiver.endpoint, skip_audit_log_database=True))
        last = world.run(add, 700)
        await until(lambda: upto(world.database) == last)
        assert world.scalar(select(func.max(Audit.id))) == kept
        assert len(ids(receiver)[had:]) == 700
    finally:
        receiver.stop()


@pytest.mark.part("rsyslog")
async def test_a_receiver_is_tried_before_it_is_saved(rsyslog: Rsyslog) -> None:
    receiver = rsyslog.tls
    with pytest.raises(ReceiverUnusable, match="cannot be reached"):
        await check_receiver(receiver.endpoint)
    receiver.start()
    try:
        with pytest.raises(ReceiverUnusable, match="TLS"):
            await check_receiver(receiver.endpoint, tls=True)
        await check_receiver(receiver.endpoint, tls=True, ca=receiver.ca)
    finally:
        receiver.stop()

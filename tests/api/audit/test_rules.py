"""What the live settings leave out of the audit log, and pulls."""

import asyncio
import threading

import pytest
from sqlalchemy import select

from moorage.access.policy import Entry, Ticket
from moorage.artifacts import pull_log
from moorage.artifacts.pull_log import PullNotes
from moorage.audit.denials import WrittenRefusals
from moorage.audit.event_filter import CONTRACT_EVENTS, EVENTS, LiveRules, Rules, read_rules
from moorage.audit.tables import Audit
from moorage.configuration.schema import Items
from moorage.configuration.validation import AUDIT_EVENTS
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM, Actor
from moorage.oci.digest import compute
from moorage.projects import service as projects
from moorage.repositories.lookup import FoundManifest
from moorage.users import service as users
from moorage.wiring import wire
from tests.api.identity.conftest import World

ANN = Actor(principal_id=5, name="ann", credential="password", address="192.0.2.7")


def apply(world: World, items: Items) -> LiveRules:
    """Let live settings hold in this world."""
    rules = LiveRules(lambda: items)
    world.database.subscribers = wire(rules)
    return rules


def test_the_contracts_events_are_listed_once() -> None:
    assert len(CONTRACT_EVENTS) == 18
    assert set(CONTRACT_EVENTS) <= set(AUDIT_EVENTS)
    assert sorted(EVENTS) == sorted(AUDIT_EVENTS)


def test_rules_are_read_again_when_the_settings_are_others() -> None:
    current = Items()
    rules = LiveRules(lambda: current)
    assert rules() == Rules()
    current = Items(disabled_audit_log_event_types=" create_user, ,pull_artifact", pull_audit_log_disable=True)
    assert rules() == read_rules(current) == Rules(frozenset({"create_user", "pull_artifact"}), pulls=False)


async def test_a_disabled_event_leaves_no_row_and_the_others_do(world: World) -> None:
    apply(world, Items(disabled_audit_log_event_types="create_project,login_user"))
    before = world.audit()

    world.run(projects.create_project, "team")
    world.run(users.create_user, "bob", password_hash="x")

    assert [row[:3] for row in world.audit()[len(before) :]] == [("create", "user", "bob")]


async def test_a_disabled_event_is_left_out_of_the_refusals_too(world: World) -> None:
    refusals = WrittenRefusals(world.database, rules=apply(world, Items(disabled_audit_log_event_types="login_user")))
    refusals.note(ANN, "login", "user", "ann")
    refusals.note(ANN, "push", "repository", "team/app")
    await refusals.close()
    assert [row[:4] for row in world.audit() if not row[3]] == [("push", "repository", "team/app", False)]


# -- pulls ------------------------------------------------------------------------------------------------


async def test_pulls_are_left_out_when_the_settings_say_so_and_counted_still(world: World) -> None:
    apply(world, Items(pull_audit_log_disable=True))
    notes = PullNotes()
    digest = compute(b"x", "sha256")
    found = FoundManifest(1, digest.binary, "t", b"", 1)
    notes.note(
        Ticket(5, 0, "ann"), Entry(frozenset(), 1, 0), found, repository="a/b", reference="v", address="192.0.2.1"
    )
    before = len(world.audit())
    await notes.flush(world.database)
    assert len(world.audit()) == before


async def test_a_failed_batch_of_pulls_is_written_with_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = PullNotes()
    found = FoundManifest(1, compute(b"x", "sha256").binary, "t", b"", 1)

    def pull(reference: str) -> None:
        notes.note(
            Ticket(5, 0, "ann"), Entry(frozenset(), 7, 0), found, repository="a/b", reference=reference, address="::1"
        )

    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    pull("v")
    with monkeypatch.context() as broken:
        broken.setattr(world.database, "run", fail)
        with pytest.raises(ZeroDivisionError):
            await notes.flush(world.database)
    pull("v")
    pull("w")
    await notes.flush(world.database)
    columns = (Audit.resource, Audit.repeats, Audit.project_id, Audit.principal_id, Audit.ok)
    rows = world.run(lambda work: work.db.execute(select(*columns).where(Audit.operation == "pull")).all())
    assert sorted(map(tuple, rows)) == [("a/b:v", 2, 7, 5, True), ("a/b:w", 1, 7, 5, True)]


@pytest.mark.parametrize("fails", [False, True])
async def test_pulls_survive_that_their_writer_is_cancelled(world: World, *, fails: bool) -> None:
    """As at shutdown, while their transaction waits for a thread or runs."""
    notes = PullNotes()
    found = FoundManifest(1, compute(b"x", "sha256").binary, "t", b"", 1)
    who = Ticket(5, 0, "ann"), Entry(frozenset(), 7, 0)
    notes.note(*who, found, repository="a/b", reference="v", address="::1")
    go = threading.Event()
    busy = [asyncio.create_task(world.database.run(SYSTEM, lambda _: go.wait(60))) for _ in range(10)]
    await asyncio.sleep(0.05)  # every thread of the database waits
    real = pull_log.write_pulls

    def write(work: Work, written: dict[pull_log._Key, list[float]]) -> None:
        if fails:
            raise ZeroDivisionError
        real(work, written)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pull_log, "write_pulls", write)
        task = asyncio.create_task(notes.flush(world.database))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.gather(*busy)

    await notes.flush(world.database)  # the last one, at the end of the process
    await notes.flush(world.database)
    query = select(Audit.resource, Audit.repeats).where(Audit.operation == "pull")
    assert world.run(lambda work: list(map(tuple, work.db.execute(query)))) == [("a/b:v", 1)]

"""What happened is written down with it, and refusals by themselves."""

import asyncio

import pytest
from sqlalchemy import select

from moorage import events
from moorage.access.policy import Role
from moorage.audit.denials import MAX_KINDS, OVERFLOW, WrittenRefusals
from moorage.audit.on_events import NOT_WRITTEN, REACTIONS
from moorage.audit.tables import Audit
from moorage.authentication.service import Login
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import CredentialsInvalid, ProjectExists
from moorage.events import Actor, Event
from moorage.projects import service as projects
from moorage.robots import accounts
from moorage.users import service as users
from tests.api.identity.conftest import Clock, World


def list_events() -> set[type[Event]]:
    return {
        value
        for value in vars(events).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event
    }


def test_no_event_is_forgotten() -> None:
    assert set(REACTIONS) | NOT_WRITTEN == list_events()
    assert not set(REACTIONS) & NOT_WRITTEN


def test_each_change_of_the_services_is_a_row_in_its_transaction(world: World) -> None:
    team = world.project("team")
    ann = world.user("ann")
    world.member(team, ann, Role.GUEST)
    world.member(team, ann, Role.DEVELOPER)
    world.run(projects.remove_member, team, ann)
    world.run(projects.set_public, team, public=True)
    world.run(users.set_password, ann, "x")
    robot = world.run(accounts.create_robot, "ci", [], project=(team, "team"))
    world.run(accounts.refresh_secret, robot.id)
    world.run(projects.delete_project, team)
    world.run(users.delete_user, ann)

    assert [(*row[:3], row[5]) for row in world.audit()] == [
        ("create", "user", "admin", {}),
        ("create", "project", "team", {}),
        ("create", "user", "ann", {}),
        ("create", "member", "ann", {"role": 3}),
        ("update", "member", "ann", {"role": 2}),
        ("delete", "member", "ann", {}),
        ("update", "project", "team", {"public": True}),
        ("update", "user", "ann", {"change": "password"}),
        ("create", "robot", "team+ci", {}),
        ("update", "robot", "team+ci", {"change": "secret"}),
        ("delete", "robot", "team+ci", {}),
        ("delete", "project", "team", {}),
        ("delete", "user", "ann", {}),
    ]
    assert all(row[3] and row[4] == 1 for row in world.audit())


def test_a_row_says_who_did_it_from_where(world: World) -> None:
    team = world.project("team")

    row = world.run(
        lambda work: work.db.execute(
            select(
                Audit.principal_id,
                Audit.principal_name,
                Audit.credential,
                Audit.address,
                Audit.request_id,
                Audit.project_id,
            ).where(Audit.resource_type == "project")
        ).one()
    )

    assert tuple(row) == (1, "admin", "cli", "192.0.2.9", "r1", team)


def test_what_is_rolled_back_leaves_no_row(world: World) -> None:
    world.project("team")
    before = world.audit()

    def story(work: Work) -> None:
        projects.create_project(work, "other")
        projects.create_project(work, "team")

    with pytest.raises(ProjectExists):
        world.run(story)
    assert world.audit() == before


def test_content_is_named_as_people_name_it(world: World) -> None:
    digest = "sha256:" + "a" * 64
    told: list[Event] = [
        events.ManifestPushed(1, 2, "team/app", 3, digest, ("v1", "latest"), True),
        events.ManifestPushed(1, 2, "team/app", 3, digest, (), False),
        events.TagDeleted(1, "team/app", "v1", digest),
        events.ArtifactDeleted(1, "team/app", digest, ("latest",)),
        events.BlobDeleted(1, "team/app", digest),
    ]
    for event in told:
        world.run(Work.emit, event)

    assert [row[:3] for row in world.audit()[1:]] == [
        ("create", "artifact", "team/app:v1"),
        ("create", "artifact", f"team/app@{digest}"),
        ("delete", "tag", "team/app:v1"),
        ("delete", "artifact", f"team/app@{digest}"),
        ("delete", "blob", f"team/app@{digest}"),
    ]


# -- refusals ---------------------------------------------------------------------------------------------


def refused(world: World) -> list[tuple[object, ...]]:
    return [(row[0], row[2], row[4]) for row in world.audit() if not row[3]]


ANN = Actor(name="ann", credential="password", address="192.0.2.1")


async def test_the_same_refusal_within_a_minute_is_one_row_with_a_count(world: World, database: Database) -> None:
    clock = Clock()
    refusals = WrittenRefusals(database, clock=clock)
    for _ in range(3):
        refusals.note(ANN, "login", "user", "ann")
    await refusals.flush()
    clock.now += 59
    refusals.note(ANN, "login", "user", "ann")
    await refusals.flush()
    assert refused(world) == [("login", "ann", 4)]

    clock.now += 1
    refusals.note(ANN, "login", "user", "ann")
    refusals.note(Actor(name="ann", address="192.0.2.2"), "login", "user", "ann")
    await refusals.close()

    assert refused(world) == [("login", "ann", 4), ("login", "ann", 1), ("login", "ann", 1)]


async def test_refusals_are_written_by_themselves_a_moment_later(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moorage.audit.denials.DELAY_SECONDS", 0.01)
    refusals = WrittenRefusals(database)

    refusals.note(ANN, "login", "user", "ann")
    for _ in range(3000):
        if refused(world):
            break
        await asyncio.sleep(0.01)

    assert refused(world) == [("login", "ann", 1)]
    await refusals.close()


async def test_a_flood_of_names_is_bounded(world: World, database: Database) -> None:
    clock = Clock()
    refusals = WrittenRefusals(database, clock=clock)
    for n in range(MAX_KINDS + 500):
        refusals.note(Actor(name=f"user{n}", address="192.0.2.1"), "login", "user", f"user{n}")
    await refusals.close()

    rows = refused(world)
    assert len(rows) == MAX_KINDS + 1
    assert rows[-1] == ("login", OVERFLOW, 500)
    clock.now += 60
    refusals.note(ANN, "login", "user", "ann")
    assert len(refusals._seen) == 1
    await refusals.close()


async def test_a_name_that_a_database_cannot_hold_does_not_keep_the_others_out(
    world: World, database: Database
) -> None:
    refusals = WrittenRefusals(database)
    for name in ("a\0b", "\udcff", "x" * 10_000, "ann"):
        refusals.note(Actor(name=name, address="192.0.2.1" * 20), "login", "user", name[:255])
    await refusals.close()

    assert [row[1] for row in refused(world)] == ["a\ufffdb", "?", "x" * 255, "ann"]


async def test_a_failed_login_is_written_down_although_nothing_was_committed(world: World, database: Database) -> None:
    refusals = WrittenRefusals(database)
    login = Login(database.read, world.passwords, refusals=refusals)

    for _ in range(2):
        with pytest.raises(CredentialsInvalid):
            await login.authenticate("Mallory", "x", "192.0.2.66")
    await refusals.close()

    row = world.run(
        lambda work: work.db.execute(
            select(Audit.principal_id, Audit.principal_name, Audit.credential, Audit.address, Audit.repeats).where(
                Audit.operation == "login"
            )
        ).one()
    )
    assert tuple(row) == (None, "Mallory", "password", "192.0.2.66", 2)


async def test_a_refusal_that_is_being_written_at_the_end_is_written_once(world: World) -> None:
    refusals = WrittenRefusals(world.database)
    refusals.note(Actor(name="eve", address="192.0.2.1"), "login", "user", "eve")
    writing, leave = asyncio.Event(), asyncio.Event()
    run = world.database.run

    async def slow(*args: object) -> object:
        answer: object = await run(*args)  # type: ignore[arg-type]
        writing.set()
        await leave.wait()
        return answer

    world.database.run = slow  # type: ignore[method-assign,assignment]
    await writing.wait()
    closing = asyncio.ensure_future(refusals.close())
    await asyncio.sleep(0)
    leave.set()
    await closing
    assert [row[:3] for row in world.audit() if not row[3]] == [("login", "user", "eve")]

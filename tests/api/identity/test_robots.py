"""Robot accounts: secrets, permissions, expiry, and what ends their tokens."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from moorage.errors import (
    CredentialsInvalid,
    PasswordInvalid,
    RobotDurationInvalid,
    RobotExists,
    RobotNameInvalid,
    RobotPermissionInvalid,
    RobotUnknown,
)
from moorage.projects import service as projects
from moorage.robots import accounts
from moorage.robots.accounts import Permission
from moorage.users.passwords import hash_chosen_secret
from moorage.users.tables import Principal, Robot
from tests.api.identity.conftest import World

HERE = "192.0.2.1"


def epoch(world: World, robot_id: int) -> int:
    found: int = world.scalar(select(Principal.epoch).where(Principal.id == robot_id))
    return found


async def comes_in(world: World, name: str, secret: str) -> bool:
    try:
        await world.login.authenticate(f"robot${name}", secret, HERE)
    except CredentialsInvalid:
        return False
    return True


async def test_a_robot_comes_in_under_its_shown_name(world: World) -> None:
    team = world.project("team")
    system = world.run(accounts.create_robot, "ci", [])
    project = world.run(accounts.create_robot, "ci", [], project=(team, "team"))

    first = await world.login.authenticate("robot$ci", system.secret, HERE)
    second = await world.login.authenticate("robot$team+ci", project.secret, HERE)

    assert (first.kind, first.name, first.admin, first.project_id, first.seconds_left) == (
        "robot", "robot$ci", False, None, None,
    )  # fmt: skip
    assert (second.name, second.project_id) == ("robot$team+ci", team)
    assert not await comes_in(world, "ci", project.secret)


def test_secrets_are_random_fit_the_rule_and_are_not_stored(world: World) -> None:
    made = [world.run(accounts.create_robot, f"r{n}", []) for n in range(20)]

    assert len({robot.secret for robot in made}) == 20
    for robot in made:
        assert len(robot.secret) == 44
        assert any(map(str.isupper, robot.secret))
        assert any(map(str.islower, robot.secret))
        assert any(map(str.isdigit, robot.secret))
    stored = world.run(lambda work: work.db.execute(select(Robot.secret, Robot.salt)).all())
    assert len({bytes(row.salt) for row in stored}) == 20
    for row in stored:
        assert not any(robot.secret.encode() in bytes(row.secret) for robot in made)


async def test_a_new_secret_ends_the_old_one_and_its_tokens(world: World) -> None:
    robot = world.run(accounts.create_robot, "ci", [])

    secret = world.run(accounts.refresh_secret, robot.id)

    assert epoch(world, robot.id) == 1
    assert await comes_in(world, "ci", secret)
    assert not await comes_in(world, "ci", robot.secret)


async def test_with_an_overlap_both_secrets_work_until_it_is_over(world: World) -> None:
    robot = world.run(accounts.create_robot, "ci", [])

    secret = world.run(accounts.refresh_secret, robot.id, overlap_seconds=3600)

    assert epoch(world, robot.id) == 0
    assert await comes_in(world, "ci", secret)
    assert await comes_in(world, "ci", robot.secret)
    past = datetime.now(UTC) - timedelta(seconds=1)
    world.run(lambda work: work.db.execute(update(Robot).values(old_secret_until=past)))
    assert await comes_in(world, "ci", secret)
    assert not await comes_in(world, "ci", robot.secret)

    third = world.run(accounts.refresh_secret, robot.id)
    assert epoch(world, robot.id) == 1
    assert [await comes_in(world, "ci", one) for one in (robot.secret, secret, third)] == [False, False, True]


async def test_a_chosen_secret_is_hashed_slowly_and_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = world.run(accounts.create_robot, "ci", [])
    slow: list[bytes] = []

    def counted(secret: bytes, salt: bytes) -> bytes:
        slow.append(secret)
        return hash_chosen_secret(secret, salt)

    monkeypatch.setattr(accounts, "hash_chosen_secret", counted)
    world.run(accounts.set_secret, robot.id, accounts.hash_chosen("Chosen-Secret1"))
    slow.clear()

    for _ in range(5):
        assert await comes_in(world, "ci", "Chosen-Secret1")
    assert len(slow) == 1
    assert not await comes_in(world, "ci", "Chosen-Secret2")
    assert not await comes_in(world, "ci", robot.secret)
    assert epoch(world, robot.id) == 1
    with pytest.raises(PasswordInvalid):
        accounts.hash_chosen("short")


async def test_an_expired_a_disabled_and_a_deleted_robot_stay_out(world: World) -> None:
    robot = world.run(accounts.create_robot, "ci", [], duration_days=1)
    account = await world.login.authenticate("robot$ci", robot.secret, HERE)
    assert account.seconds_left == pytest.approx(86_400, abs=60)

    world.run(accounts.set_disabled, robot.id, disabled=True)
    assert not await comes_in(world, "ci", robot.secret)
    world.run(accounts.set_disabled, robot.id, disabled=False)
    assert await comes_in(world, "ci", robot.secret)
    past = datetime.now(UTC) - timedelta(seconds=1)
    world.run(lambda work: work.db.execute(update(Robot).values(expires_at=past)))
    assert not await comes_in(world, "ci", robot.secret)
    world.run(lambda work: work.db.execute(update(Robot).values(expires_at=None)))
    world.run(accounts.delete_robot, robot.id)
    assert not await comes_in(world, "ci", robot.secret)
    assert epoch(world, robot.id) == 3


async def test_the_robots_of_a_deleted_project_stay_out(world: World) -> None:
    team = world.project("team")
    robot = world.run(accounts.create_robot, "ci", [], project=(team, "team"))

    world.run(projects.delete_project, team)

    assert not await comes_in(world, "team+ci", robot.secret)


def test_permissions_are_replaced_and_end_tokens(world: World) -> None:
    team = world.project("team")
    pull, push = Permission("repository", "pull", team), Permission("repository", "push", team)
    everywhere, system = Permission("tag", "list"), Permission("audit-log", "list", system=True)
    robot = world.run(accounts.create_robot, "ci", [pull, pull])
    assert world.run(accounts.list_permissions, robot.id) == [pull]

    world.run(accounts.set_permissions, robot.id, [push, everywhere, system])

    assert world.run(accounts.list_permissions, robot.id) == [push, everywhere, system]
    assert epoch(world, robot.id) == 1


@pytest.mark.parametrize(
    "permission",
    [
        Permission("repository", "fly"),
        Permission("nothing", "read"),
        Permission("repository", "scanner-pull"),
        Permission("repository", "pull", system=True),
        Permission("catalog", "read"),
        Permission("catalog", "read", 1, system=True),
    ],
)
def test_what_is_not_grantable_is_refused(world: World, permission: Permission) -> None:
    with pytest.raises(RobotPermissionInvalid):
        world.run(accounts.create_robot, "ci", [permission])
    assert world.run(accounts.create_robot, "ci", []).name == "ci", "nothing was left behind"


def test_a_projects_robot_does_not_reach_beyond_it(world: World) -> None:
    team, other = world.project("team"), world.project("other")

    for permission in (
        Permission("repository", "pull", other),
        Permission("repository", "pull"),
        Permission("audit-log", "list", system=True),
    ):
        with pytest.raises(RobotPermissionInvalid):
            world.run(accounts.create_robot, "ci", [permission], project=(team, "team"))


def test_a_robots_name_that_breaks_the_rule_is_refused(world: World) -> None:
    for name in ["", "CI", "a b", "a+b", "robot$a", "-a", "a" * 256]:
        with pytest.raises(RobotNameInvalid):
            world.run(accounts.create_robot, name, [])


def test_a_robots_name_is_taken_once_and_free_after_deletion(world: World) -> None:
    first = world.run(accounts.create_robot, "ci", [])
    with pytest.raises(RobotExists):
        world.run(accounts.create_robot, "ci", [])
    world.run(accounts.delete_robot, first.id)

    assert world.run(accounts.create_robot, "ci", []).id > first.id
    for story in (accounts.delete_robot, accounts.refresh_secret):
        with pytest.raises(RobotUnknown):
            world.run(story, first.id)


def test_a_robot_and_a_user_of_one_name_are_two(world: World) -> None:
    ann = world.user("ann")

    assert world.run(accounts.create_robot, "ann", []).id != ann
    with pytest.raises(RobotUnknown):
        world.run(accounts.delete_robot, ann)


@pytest.mark.parametrize("days", [0, -2, 2_147_483_647])
def test_a_duration_out_of_bounds_is_refused(world: World, days: int) -> None:
    with pytest.raises(RobotDurationInvalid):
        world.run(accounts.create_robot, "ci", [], duration_days=days)


async def test_the_longest_duration_is_for_ever_in_practice(world: World) -> None:
    robot = world.run(accounts.create_robot, "ci", [], duration_days=2_147_483_646)

    assert await comes_in(world, "ci", robot.secret)

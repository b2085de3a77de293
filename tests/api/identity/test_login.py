"""Who comes in, who does not, in what time, and who is made to wait (threats.md B2, T22)."""

import asyncio
import time
from typing import ClassVar

import pytest

from moorage.access.policy import Account
from moorage.authentication.service import Login, read_basic
from moorage.configuration.cached_settings import Settled
from moorage.configuration.schema import Items
from moorage.db.engine import Database
from moorage.errors import CredentialsInvalid, DatabaseUnavailable, LoginThrottled, Unavailable
from moorage.robots import accounts as robots_accounts
from moorage.users import service as users
from moorage.users.login_throttle import Throttle
from moorage.users.passwords import Passwords, hash_password
from tests.api.identity.conftest import TESTER, World, hash_cheaply

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.mark.parametrize("typed", ["Ann", "ann", "ANN", "ann@example.org", "ANN@Example.ORG"])
async def test_a_user_comes_in_by_name_or_address_without_regard_to_case(world: World, typed: str) -> None:
    ann = world.user("Ann", email="Ann@Example.org")

    account = await world.login.authenticate(typed, "Ann-Pass1", HERE)

    assert account == Account(principal_id=ann, epoch=0, kind="user", name="Ann", admin=False)


async def test_an_administrator_is_one(world: World) -> None:
    assert (await world.login.authenticate("admin", "admin-Pass1", HERE)).admin


WRONG = [
        ("ann", "ann-Pass2"), ("ann", ""), ("ann", "ann-pass1"), ("nobody", "ann-Pass1"), ("", "ann-Pass1"),
        ("off", "off-Pass1"), ("gone", "gone-Pass1"), ("elsewhere", ""), ("elsewhere", "elsewhere-Pass1"),
        ("ann\0", "ann-Pass1"), ("a" * 300, "x"), ("ann@example.org", "x"), (" ann", "ann-Pass1"),
        ("robot$ci", "x"), ("robot$", ""), ("robot$team+ci", "x"), ("robot$\u00e9", "x"), ("robot$a\0", "x"),
        ("ROBOT$ci", "x"),
]  # fmt: skip


async def test_everybody_else_is_refused_in_the_same_words(world: World) -> None:
    world.user("ann", email="ann@example.org")
    world.run(users.set_disabled, world.user("off"), disabled=True)
    world.run(users.delete_user, world.user("gone"))
    world.run(users.create_user, "elsewhere", source="ldap")
    world.run(robots_accounts.create_robot, "ci", [])

    for number, (username, password) in enumerate(WRONG):
        world.refused.refusals.clear()
        with pytest.raises(CredentialsInvalid) as caught:
            await world.login.authenticate(username, password, f"192.0.2.{number}")

        assert (caught.value.status, caught.value.detail) == (401, {})
        assert world.refused.refusals == [(username[:255], "login", username[:255])]


@pytest.mark.parametrize("username", ["ann", "nobody", "off", "gone", "elsewhere"])
async def test_each_refusal_costs_one_check(world: World, username: str) -> None:
    world.user("ann")
    world.run(users.set_disabled, world.user("off"), disabled=True)
    world.run(users.delete_user, world.user("gone"))
    world.run(users.create_user, "elsewhere", source="ldap")

    with pytest.raises(CredentialsInvalid):
        await world.login.authenticate(username, "wrong", HERE)

    assert len(world.checks) == 1


async def test_an_unknown_user_takes_as_long_as_a_known_one(database: Database) -> None:
    database.run_here(TESTER, users.create_user, "ann", password_hash=hash_password("Ann-Pass1"))
    passwords = Passwords()
    login = Login(database.read, passwords)
    times: dict[str, list[float]] = {"ann": [], "nobody": []}
    for n in range(6):
        for name, spent in times.items():
            began = time.process_time()
            with pytest.raises(CredentialsInvalid):
                await login.authenticate(name, "wrong", f"192.0.2.{n}")
            spent.append(time.process_time() - began)
    await passwords.close()

    assert min(times["nobody"]) > 0.005, "a hash was computed"
    assert 0.2 < min(times["nobody"]) / min(times["ann"]) < 5


async def test_where_a_name_is_anothers_address_both_come_in(world: World) -> None:
    first = world.user("ann", email="shared@example.org")
    second = world.user("shared@example.org")

    by_address = await world.login.authenticate("shared@example.org", "ann-Pass1", HERE)
    by_name = await world.login.authenticate("shared@example.org", "shared@example.org-Pass1", HERE)

    assert (by_address.principal_id, by_name.principal_id) == (first, second)


async def test_a_changed_password_counts_at_once_though_the_old_one_is_remembered(world: World) -> None:
    ann = world.user("ann")
    before = await world.login.authenticate("ann", "ann-Pass1", HERE)
    world.run(users.set_password, ann, hash_cheaply("New-Pass1"))

    with pytest.raises(CredentialsInvalid):
        await world.login.authenticate("ann", "ann-Pass1", HERE)
    after = await world.login.authenticate("ann", "New-Pass1", HERE)
    assert (before.epoch, after.epoch) == (0, 1)


async def test_a_disabled_user_is_out_at_once_though_the_password_is_remembered(world: World) -> None:
    ann = world.user("ann")
    await world.login.authenticate("ann", "ann-Pass1", HERE)
    world.run(users.set_disabled, ann, disabled=True)

    with pytest.raises(CredentialsInvalid):
        await world.login.authenticate("ann", "ann-Pass1", HERE)


async def test_twenty_clients_of_one_user_cost_one_check(world: World) -> None:
    world.user("ann")

    accounts = await asyncio.gather(*(world.login.authenticate("ann", "ann-Pass1", HERE) for _ in range(20)))

    assert {account.name for account in accounts} == {"ann"}
    assert len(world.checks) == 1


# -- T22 --------------------------------------------------------------------------------------------------


async def guess(world: World, username: str, times: int, *, address: str = HERE) -> list[str]:
    outcomes = []
    for n in range(times):
        try:
            await world.login.authenticate(username, f"wrong{n}", address)
        except CredentialsInvalid:
            outcomes.append("401")
        except LoginThrottled as problem:
            outcomes.append("429" if int(problem.headers["Retry-After"]) >= 1 else "no time to wait")
    return outcomes


@pytest.mark.parametrize("username", ["ann", "nobody", "robot$ci", "robot$nobody"])
async def test_t22_a_hundred_wrong_passwords_are_five_tries(world: World, username: str) -> None:
    world.user("ann")
    world.run(robots_accounts.create_robot, "ci", [])

    assert await guess(world, username, 100) == ["401"] * 5 + ["429"] * 95
    assert len(world.checks) <= 5
    assert len(world.refused.refusals) == 100


async def test_t22_the_right_password_does_not_help_while_waiting_and_does_after(world: World) -> None:
    world.user("ann")
    await world.login.authenticate("ann", "ann-Pass1", HERE)
    await guess(world, "ann", 5)

    with pytest.raises(LoginThrottled):
        await world.login.authenticate("ann", "ann-Pass1", HERE)
    world.clock.now += 1
    await world.login.authenticate("ann", "ann-Pass1", HERE)
    assert await guess(world, "ann", 6) == ["401"] * 5 + ["429"]


async def test_t22_an_attacker_keeps_neither_the_user_nor_the_robots_out(world: World) -> None:
    world.user("ann")
    robot = world.run(robots_accounts.create_robot, "ci", [])
    await guess(world, "ann", 20)
    await guess(world, "robot$ci", 20)

    assert (await world.login.authenticate("ann", "ann-Pass1", THERE)).name == "ann"
    assert (await world.login.authenticate("robot$ci", robot.secret, THERE)).name == "robot$ci"
    other = world.run(robots_accounts.create_robot, "other", [])
    assert (await world.login.authenticate("robot$other", other.secret, HERE)).name == "robot$other"


async def test_t22_guesses_at_the_same_time_are_five_tries_too(world: World) -> None:
    world.user("ann")

    outcomes = await asyncio.gather(
        *(world.login.authenticate("ann", f"wrong{n}", HERE) for n in range(100)), return_exceptions=True
    )

    assert sum(isinstance(outcome, CredentialsInvalid) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, LoginThrottled) for outcome in outcomes) == 95


async def test_t22_other_spellings_of_a_name_are_the_same_account(world: World) -> None:
    world.user("ann")

    assert await guess(world, "ann", 3) + await guess(world, "ANN", 3) == ["401"] * 5 + ["429"]


# -- backends ---------------------------------------------------------------------------------------------


class Elsewhere:
    """A directory that knows one person, or cannot be asked."""

    kind: ClassVar[str] = "ldap"

    def __init__(self, problem: Unavailable | None = None) -> None:
        self.problem = problem
        self.asked = 0

    async def recall(self, username: str, password: str) -> Account | None:
        """See `Backend.recall`."""
        return Account(98, 0, "user", username) if password == "remembered" else None

    async def confirm(self, account: Account, address: str) -> Account | None:
        """See `Backend.confirm`."""
        assert address == HERE
        return None if account.name == "gone" else account

    async def check_password(self, username: str, password: str, address: str) -> Account | None:
        """See `Backend.check_password`."""
        assert address == HERE
        self.asked += 1
        if self.problem:
            raise self.problem
        return Account(99, 0, "user", username) if password == "elsewhere" else None


async def test_backends_are_asked_in_order_and_the_first_answer_wins(world: World) -> None:
    world.user("ann")
    first, second = Elsewhere(), Elsewhere()
    login = Login(world.database.read, world.passwords, backends=[first, second])

    assert (await login.authenticate("ann", "ann-Pass1", HERE)).kind == "user"
    assert (first.asked, second.asked) == (0, 0)
    assert (await login.authenticate("dora", "elsewhere", HERE)).principal_id == 99
    assert (first.asked, second.asked) == (1, 0)
    with pytest.raises(CredentialsInvalid):
        await login.authenticate("dora", "wrong", HERE)


async def test_a_password_that_a_backend_remembers_is_asked_of_nobody(world: World) -> None:
    directory = Elsewhere(Unavailable("The directory is down."))
    login = Login(world.database.read, world.passwords, backends=[directory])

    assert (await login.authenticate("dora", "remembered", HERE)).principal_id == 98
    assert (directory.asked, world.checks) == (0, [])


async def test_outages_that_many_meet_at_once_are_no_failed_tries(world: World) -> None:
    login = Login(world.database.read, world.passwords, backends=[Elsewhere(Unavailable("The directory is down."))])

    told = await asyncio.gather(*(login.authenticate("dora", "x", HERE) for _ in range(30)), return_exceptions=True)

    assert {type(one) for one in told} == {Unavailable}


async def test_an_outage_is_no_wrong_password_and_no_failed_try(world: World) -> None:
    world.user("ann")
    login = Login(world.database.read, world.passwords, backends=[Elsewhere(Unavailable("The directory is down."))])

    for _ in range(10):
        with pytest.raises(Unavailable):
            await login.authenticate("dora", "x", HERE)
    assert (await login.authenticate("ann", "ann-Pass1", HERE)).name == "ann"


async def test_a_database_that_is_down_is_no_wrong_password(world: World) -> None:
    class Down:
        async def one(self, *_: object) -> None:
            raise DatabaseUnavailable

        all = one

    login = Login(Down(), world.passwords)  # type: ignore[arg-type]  # a reader that only fails

    for username in ("ann", "robot$ci"):
        with pytest.raises(DatabaseUnavailable):
            await login.authenticate(username, "x", HERE)


# -- Basic ------------------------------------------------------------------------------------------------


def test_basic_credentials_are_read() -> None:
    assert read_basic("Basic YW5uOnA6dw==") == ("ann", "p:w")
    assert read_basic("basic  w6k6w6k=") == ("\u00e9", "\u00e9")
    assert read_basic("BASIC YW5uOg==") == ("ann", "")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !",
        "Basic YW5u",
        "Basic OnB3",
        "Bearer abc",
        "YW5uOnB3",
        "Basic /////w==",
        "Basic YW5uOnA",
    ],
)
def test_other_credentials_are_wrong_ones(header: str) -> None:
    with pytest.raises(CredentialsInvalid):
        read_basic(header)


# -- the prefix of robots ---------------------------------------------------------------------------------


def with_prefix(world: World, prefix: str) -> Login:
    """A login whose robots have another prefix."""
    return Login(
        world.database.read, world.passwords, refusals=world.refused, live=Settled(Items(robot_name_prefix=prefix)),
        people=Throttle(clock=world.clock), machines=Throttle(clock=world.clock),
    )  # fmt: skip


async def test_robots_sign_in_with_the_prefix_of_now(world: World) -> None:
    made = world.run(robots_accounts.create_robot, "ci", [])
    login = with_prefix(world, "bot_")

    account = await login.authenticate("bot_ci", made.secret, HERE)

    assert (account.principal_id, account.name, account.kind) == (made.id, "bot_ci", "robot")
    with pytest.raises(CredentialsInvalid):
        await login.authenticate("robot$ci", made.secret, HERE)


@pytest.mark.parametrize("prefix", ["adm", "admin", "a"])
async def test_no_prefix_locks_a_person_out(world: World, prefix: str) -> None:
    world.run(robots_accounts.create_robot, "min", [])

    account = await with_prefix(world, prefix).authenticate("admin", "admin-Pass1", HERE)

    assert (account.principal_id, account.kind) == (1, "user")


async def test_where_a_robot_has_a_persons_name_each_comes_in_with_their_own_secret(world: World) -> None:
    made = world.run(robots_accounts.create_robot, "min", [])
    login = with_prefix(world, "ad")

    robot = await login.authenticate("admin", made.secret, HERE)
    person = await login.authenticate("admin", "admin-Pass1", HERE)

    assert (robot.principal_id, person.principal_id) == (made.id, 1)


async def test_t22_guessing_is_as_bounded_under_any_prefix(world: World) -> None:
    world.login = with_prefix(world, "ad")

    assert await guess(world, "admin", 100) == ["401"] * 5 + ["429"] * 95
    assert len(world.checks) <= 5
    assert len(world.refused.refusals) == 100

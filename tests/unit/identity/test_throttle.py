"""Guessing gets slower, for whoever guesses (threats.md B2, T22)."""

import asyncio

import pytest

from moorage.errors import DatabaseUnavailable, LoginThrottled
from moorage.users.login_throttle import MAX_KEYS, Throttle, network_of
from tests.unit.identity.conftest import Clock

ANN = ("ann", "192.0.2.1")


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock=clock)


async def fail(throttle: Throttle, key: tuple[str, str] = ANN) -> None:
    async with throttle.turn(key):
        pass


async def test_five_failures_are_free_and_then_the_waiting_doubles_to_a_minute(
    throttle: Throttle, clock: Clock
) -> None:
    for _ in range(5):
        await fail(throttle)

    waits = []
    for _ in range(9):
        with pytest.raises(LoginThrottled) as caught:
            await fail(throttle)
        waits.append(int(caught.value.headers["Retry-After"]))
        clock.now += waits[-1]
        await fail(throttle)

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_a_refused_try_is_not_counted_again(throttle: Throttle, clock: Clock) -> None:
    for _ in range(5):
        await fail(throttle)
    for _ in range(50):
        with pytest.raises(LoginThrottled):
            await fail(throttle)

    clock.now += 1

    await fail(throttle)


async def test_another_address_and_another_account_are_not_made_to_wait(throttle: Throttle) -> None:
    for _ in range(5):
        await fail(throttle)

    throttle.require_open(("ann", "192.0.2.2"))
    throttle.require_open(("bob", "192.0.2.1"))
    with pytest.raises(LoginThrottled):
        throttle.require_open(ANN)


async def test_knowing_the_password_forgives(throttle: Throttle) -> None:
    for _ in range(4):
        await fail(throttle)
    throttle.forgive(ANN)
    for _ in range(4):
        await fail(throttle)

    throttle.require_open(ANN)


async def test_failures_are_forgotten_after_a_quarter_of_an_hour(throttle: Throttle, clock: Clock) -> None:
    for _ in range(5):
        await fail(throttle)
    clock.now += 900
    await fail(throttle)

    throttle.require_open(ANN)


async def test_a_hundred_guesses_at_once_are_no_more_than_five(throttle: Throttle) -> None:
    made = 0

    async def guess() -> None:
        nonlocal made
        async with throttle.turn(ANN):
            made += 1
            await asyncio.sleep(0)

    outcomes = await asyncio.gather(*(guess() for _ in range(100)), return_exceptions=True)

    assert made == 5
    assert sum(isinstance(outcome, LoginThrottled) for outcome in outcomes) == 95


async def test_a_try_that_could_not_be_made_is_not_counted(throttle: Throttle) -> None:
    for _ in range(10):
        with pytest.raises(DatabaseUnavailable):
            async with throttle.turn(ANN):
                raise DatabaseUnavailable

    throttle.require_open(ANN)


async def test_going_away_in_the_middle_does_not_save_the_try(throttle: Throttle) -> None:
    async def hang() -> None:
        async with throttle.turn(ANN):
            await asyncio.sleep(60)

    for _ in range(5):
        task = asyncio.create_task(hang())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with pytest.raises(LoginThrottled):
        throttle.require_open(ANN)


async def test_the_memory_is_bounded_and_the_newest_stay(throttle: Throttle) -> None:
    for n in range(MAX_KEYS + 500):
        throttle.count((f"user{n}", "192.0.2.1"))

    assert len(throttle._failures) == MAX_KEYS
    assert ("user0", "192.0.2.1") not in throttle._failures
    assert not throttle._locks


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("a:b", "a:b"),
    ],
)
def test_an_ipv6_customer_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network

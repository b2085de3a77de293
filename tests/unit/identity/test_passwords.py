"""Hashing, and remembering a check without remembering a password."""

import asyncio
import gc
import hashlib
import threading
import time

import pytest

from moorage.errors import LoginBusy, PasswordInvalid
from moorage.users import passwords as module
from moorage.users.passwords import AT_ONCE, Passwords, hash_password, require_good_password

PASSWORD = "Correct-Horse-7-Battery"
STORED = hash_password(PASSWORD)


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Counter:
    """Counts how often a password was really checked, and how many at the same time."""

    def __init__(self) -> None:
        self.calls = self.running = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, stored: str, password: str) -> bool:
        """Stands for the check."""
        with self.lock:
            self.calls += 1
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            time.sleep(0.01)
            return (stored, password) == (STORED, PASSWORD)
        finally:
            with self.lock:
                self.running -= 1


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setattr(module, "_matches", counter)
    return counter


def test_a_hash_has_the_costs_that_the_design_names() -> None:
    assert STORED.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_password(PASSWORD) != STORED


async def test_only_the_right_password_fits() -> None:
    passwords = Passwords()

    assert await passwords.verify(1, STORED, PASSWORD)
    assert not await passwords.verify(1, STORED, PASSWORD + "x")
    assert not await passwords.verify(1, STORED, "")
    assert not await passwords.verify(1, "", PASSWORD)
    assert not await passwords.verify(1, "", "")
    assert not await passwords.verify(1, "not a hash", PASSWORD)
    assert not await passwords.verify(1, STORED, "\udcff")
    await passwords.close()


async def test_a_check_that_went_well_is_remembered_for_five_minutes(counter: Counter) -> None:
    clock = Clock()
    passwords = Passwords(clock=clock)

    for _ in range(10):
        assert await passwords.verify(1, STORED, PASSWORD)
    assert counter.calls == 1

    clock.now += 299
    assert await passwords.verify(1, STORED, PASSWORD)
    assert counter.calls == 1

    clock.now += 1
    assert await passwords.verify(1, STORED, PASSWORD)
    assert counter.calls == 2
    await passwords.close()


async def test_a_wrong_password_is_checked_every_time(counter: Counter) -> None:
    passwords = Passwords()

    for _ in range(4):
        assert not await passwords.verify(1, STORED, "wrong")

    assert counter.calls == 4
    assert not passwords._remembered
    await passwords.close()


async def test_what_is_remembered_fits_one_account_one_hash_and_one_password(counter: Counter) -> None:
    passwords = Passwords()
    await passwords.verify(1, STORED, PASSWORD)

    assert passwords.remembers(1, STORED, PASSWORD)
    assert not passwords.remembers(2, STORED, PASSWORD)
    assert not passwords.remembers(1, STORED + "x", PASSWORD)
    assert not passwords.remembers(1, STORED, PASSWORD + "x")
    assert not passwords.remembers(1, STORED + PASSWORD[0], PASSWORD[1:])
    assert not Passwords().remembers(1, STORED, PASSWORD), "another process has another key"
    assert counter.calls == 1
    await passwords.close()


async def test_the_memory_holds_no_password_and_no_plain_hash_of_one() -> None:
    secret = "Zq7-" + hashlib.sha256(str(time.time()).encode()).hexdigest()
    passwords = Passwords()
    assert await passwords.verify_by(1, b"stored", secret, lambda: True)

    gc.collect()
    kept = repr(passwords.__dict__)
    (digest,) = passwords._remembered
    assert secret not in kept
    assert len(digest) == 32
    for guess in (secret.encode(), b"stored" + secret.encode(), b"1stored" + secret.encode()):
        assert digest != hashlib.sha256(guess).digest()
    await passwords.close()


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", 10)
    passwords = Passwords()

    for n in range(55):
        assert await passwords.verify_by(n, b"stored", "secret", lambda: True)

    assert len(passwords._remembered) <= 10
    assert passwords.remembers(54, b"stored", "secret")
    await passwords.close()


async def test_at_most_two_hashes_are_computed_at_the_same_time_and_the_loop_goes_on(counter: Counter) -> None:
    passwords = Passwords()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(passwords.verify(n, STORED, "wrong") for n in range(12)))
    ticking.cancel()

    assert counter.most == AT_ONCE
    assert ticks >= 10
    await passwords.close()


async def test_a_crowd_is_told_to_come_back(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    passwords = Passwords()

    outcomes = await asyncio.gather(*(passwords.verify(n, STORED, "wrong") for n in range(20)), return_exceptions=True)

    busy = [outcome for outcome in outcomes if isinstance(outcome, LoginBusy)]
    assert len(busy) == 15
    assert busy[0].headers["Retry-After"] == "2"
    assert counter.calls == 5
    assert not await passwords.verify(1, STORED, "wrong"), "the place is free again"
    await passwords.close()


async def test_a_password_for_nobody_costs_one_check(counter: Counter) -> None:
    passwords = Passwords()

    await passwords.verify_nobody("guess")
    assert counter.calls == 1
    await passwords.verify(1, "", "guess")
    assert counter.calls == 2
    await passwords.close()


async def test_a_password_of_a_megabyte_is_not_hashed(counter: Counter) -> None:
    passwords = Passwords()

    assert not await passwords.verify(1, STORED, "x" * 1_000_000)
    await passwords.verify_nobody("x" * 1_000_000)

    assert counter.calls == 0
    await passwords.close()


@pytest.mark.parametrize("password", ["Abcdefg1", "A1" + "a" * 126, "Ünïcödé1X"])
def test_a_good_password_is_taken(password: str) -> None:
    require_good_password(password)


@pytest.mark.parametrize("password", ["", "Abcdef1", "A1" + "a" * 127, "abcdefg1", "ABCDEFG1", "Abcdefgh", "12345678"])
def test_a_password_that_breaks_the_rule_is_refused(password: str) -> None:
    with pytest.raises(PasswordInvalid):
        require_good_password(password)

"""How long another system is waited for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from moorage.errors import RemoteBusy, RemoteUnavailable
from moorage.remotes.retry_policy import HEADWAY_BYTES, Attempts, Patience, busy, read_retry_after


def test_retry_after_is_a_number_of_seconds_or_a_moment() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert read_retry_after({"retry-after": "7"}) == 7
    assert 85 < (read_retry_after({"Retry-After": later}) or 0) <= 90
    assert read_retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    for text in ("", "soon", "-1", "1e9", "٣", "9" * 12, "Wed, 99 Oct 2015 07:28:00 GMT"):
        assert read_retry_after({"retry-after": text}) is None, text
    assert read_retry_after({}) is None


def test_a_busy_system_is_named_with_the_wait_it_asks_for() -> None:
    assert isinstance(busy(429, {}), RemoteBusy)
    assert busy(429, {"retry-after": "3"}).headers == {"Retry-After": "3"}
    assert isinstance(busy(503, {"retry-after": "3"}), RemoteUnavailable)
    assert busy(503, {"retry-after": "3"}).headers == {"Retry-After": "3"}


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("moorage.remotes.retry_policy.asyncio.sleep", sleep)
    return waits


async def test_waits_grow_and_have_an_end(slept: list[float]) -> None:
    attempts = Attempts(Patience(tries=5, first_seconds=1, longest_seconds=5))
    problem = RemoteUnavailable()
    for _ in range(4):
        await attempts.wait(problem)
    with pytest.raises(RemoteUnavailable) as raised:
        await attempts.wait(problem)

    assert raised.value is problem
    assert len(slept) == 4
    assert all(low <= wait <= high for wait, low, high in zip(slept, (0.75, 1.5, 3, 5), (1.25, 2.5, 5, 5), strict=True))


async def test_headway_begins_the_count_anew(slept: list[float]) -> None:
    attempts = Attempts(Patience(tries=2, first_seconds=1))
    for _ in range(3):
        await attempts.wait(RemoteUnavailable())
        attempts.moved(HEADWAY_BYTES // 2)
        attempts.moved(HEADWAY_BYTES // 2)
    assert len(slept) == 3
    await attempts.wait(RemoteUnavailable())
    attempts.moved(HEADWAY_BYTES - 1)
    with pytest.raises(RemoteUnavailable):
        await attempts.wait(RemoteUnavailable())


async def test_who_asks_for_a_longer_wait_than_there_is_patience_is_given_up(slept: list[float]) -> None:
    attempts = Attempts(Patience(tries=5, longest_seconds=60))
    await attempts.wait(busy(429, {"retry-after": "60"}))
    with pytest.raises(RemoteBusy):
        await attempts.wait(busy(429, {"retry-after": "61"}))
    assert slept == [60]

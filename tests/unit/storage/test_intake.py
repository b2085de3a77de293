"""Lanes: in order, bounded, and quiet once they are stopped."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from moorage.storage.body_writer import Lane, pour, settle
from moorage.testing.bodies import ClientGone, broken, pieces


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


async def test_every_lane_gets_every_byte_in_order(pool: ThreadPoolExecutor) -> None:
    one, two = bytearray(), bytearray()
    parts = [bytes([number % 251]) * (number * 700) for number in range(200)]

    size = await pour(b"head", pieces(*parts), [Lane(pool, one.extend), Lane(pool, two.extend)])

    assert size == len(one)
    assert one == two == b"head" + b"".join(parts)


@pytest.mark.parametrize("failing", [0, 1])
async def test_what_one_lane_raises_stops_all(pool: ThreadPoolExecutor, failing: int) -> None:
    seen = 0

    def work(batch: bytes) -> None:
        nonlocal seen
        seen += len(batch)

    def fail(batch: bytes) -> None:
        raise ZeroDivisionError(len(batch))

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(300_000)
            await asyncio.sleep(0)

    lanes = [Lane(pool, work), Lane(pool, work)]
    lanes[failing] = Lane(pool, fail)

    with pytest.raises(ZeroDivisionError):
        await pour(b"head", endless(), lanes)

    after = seen
    await asyncio.sleep(0.02)
    assert seen == after


async def test_no_thread_works_once_a_body_broke(pool: ThreadPoolExecutor) -> None:
    working = threading.Semaphore(0)
    busy = 0

    def slow(batch: bytes) -> None:
        nonlocal busy
        busy += 1
        working.release()
        time.sleep(len(batch) / 15_000_000)
        busy -= 1

    with pytest.raises(ClientGone):
        await pour(b"head", broken(*[bytes(300_000)] * 3), [Lane(pool, slow)])

    assert busy == 0


async def test_a_lane_gives_its_thread_back(pool: ThreadPoolExecutor) -> None:
    """More lanes than threads, all with more than one turn of work: none waits for ever."""
    counted = [0] * 12

    def count(number: int) -> Lane:
        def work(batch: bytes) -> None:
            counted[number] += len(batch)

        return Lane(pool, work)

    parts = [bytes(1_000_000)] * 40
    await asyncio.gather(*(pour(b"", pieces(*parts), [count(number)]) for number in range(12)))

    assert counted == [40_000_000] * 12


async def test_a_cancelled_wait_ends_after_the_work() -> None:
    done = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(settle(done))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()

    done.set_result(1)

    with pytest.raises(asyncio.CancelledError):
        await task

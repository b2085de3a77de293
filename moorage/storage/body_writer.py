"""Hand a request body to the threads that hash and store it, in order, with bounded memory.

One lane per thing that is done with the bytes: hashing takes about as long as writing, so they run side by side
while the loop receives the next piece. Both let go of the interpreter lock while they work.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")

SMALL_BYTES = 256 * 1024
"""A body below this size is worth no lane: one call in one thread does everything."""

_BATCH_BYTES = 256 * 1024  # smaller pieces are joined up to this size before a thread sees them
# A lane that lags by more than HIGH holds the sender until it lags by no more than LOW. Little on purpose: two
# pieces of the server keep both sides busy, while their memory is used again before it leaves the cache. With
# 4 MiB in flight the same gigabyte took twice as long, half of it in page faults.
_HIGH_BYTES = 768 * 1024
_LOW_BYTES = 448 * 1024
_TURN_BYTES = 32 * 1024 * 1024  # after so many bytes a lane goes to the end of the pool's queue


class Lane:
    """Applies a function to batches, in order, on a shared pool, in one thread at a time.

    The lane holds a thread only while it has work, so a thousand slow uploads share a few threads.
    """

    def __init__(self, pool: Executor, work: Callable[[bytes], None]) -> None:
        self.error: BaseException | None = None
        self._pool = pool
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._queue: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._running = False
        self._waiter: asyncio.Future[None] | None = None
        self._wanted_bytes = 0

    def put(self, batch: bytes) -> None:
        """Add a batch. Called in the loop; never blocks."""
        with self._lock:
            self._queue.append(batch)
            self._backlog_bytes += len(batch)
            begin = not self._running
            self._running = True
        if begin:
            self._pool.submit(self._drain)

    def is_behind(self) -> bool:
        """Whether the sender should wait."""
        return self._backlog_bytes > _HIGH_BYTES

    async def catch_up(self, backlog_bytes: int = _LOW_BYTES) -> None:
        """Wait until at most so much is waiting; 0: until nothing is and no thread works.

        What the work raised is raised here.
        """
        with self._lock:
            self._wanted_bytes = backlog_bytes
            if self._running and (self._backlog_bytes > backlog_bytes or not backlog_bytes):
                self._waiter = self._loop.create_future()
        if self._waiter is not None:
            try:
                await settle(self._waiter)
            finally:
                self._waiter = None
        if self.error is not None:
            raise self.error

    async def stop(self) -> None:
        """Drop what waits, and return when no thread works any more."""
        with self._lock:
            self._clear()
        try:
            await self.catch_up(0)
        except asyncio.CancelledError:
            raise
        except BaseException:  # noqa: BLE001 - who stops a lane has an error already
            return

    def _clear(self) -> None:
        self._backlog_bytes -= sum(map(len, self._queue))
        self._queue.clear()

    def _drain(self) -> None:
        turn_bytes = 0
        while True:
            with self._lock:
                if self.error is not None:
                    self._clear()
                if not self._queue:
                    self._running = False
                    self._wake()
                    return
                batch = self._queue.popleft()
            try:
                self._work(batch)
            except BaseException as error:  # noqa: BLE001 - it is raised again where the loop waits
                self.error = error
            with self._lock:
                self._backlog_bytes -= len(batch)
                if self._wanted_bytes and self._backlog_bytes <= self._wanted_bytes:
                    self._wake()
            turn_bytes += len(batch)
            del batch
            if turn_bytes >= _TURN_BYTES:
                self._pool.submit(self._drain)
                return

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._loop.call_soon_threadsafe(_resolve, waiter)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def settle(future: "asyncio.Future[T]") -> T:
    """The result of `future`, waited for even when this task is cancelled; the cancellation comes afterwards.

    A thread cannot be cancelled, and nobody may reuse its file while it works.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001 - raised below by result()
            break
    if cancelled is not None:
        raise cancelled
    return future.result()


async def take_small(pieces: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """The beginning of a body, joined, and whether that is all of it; more than `SMALL_BYTES` means there is more."""
    head: list[bytes] = []
    size = 0
    async for piece in pieces:
        head.append(piece)
        size += len(piece)
        if size > SMALL_BYTES:
            return b"".join(head), False
    return b"".join(head), True


async def pour(head: bytes, pieces: AsyncIterator[bytes], lanes: Sequence[Lane]) -> int:
    """Give `head` and then `pieces` to every lane, wait until all is done, and say how many bytes there were.

    Whatever is raised, by `pieces` or by a lane, comes out when no thread works any more.
    """
    size = 0
    waiting: list[bytes] = []
    waiting_bytes = 0
    try:
        for lane in lanes:
            lane.put(head)
        size += len(head)
        async for piece in pieces:
            size += len(piece)
            waiting.append(piece)
            waiting_bytes += len(piece)
            if waiting_bytes < _BATCH_BYTES:
                continue
            batch = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting.clear()
            waiting_bytes = 0
            for lane in lanes:
                lane.put(batch)
            for lane in lanes:
                if lane.is_behind() or lane.error is not None:
                    await lane.catch_up()
        if waiting:
            batch = b"".join(waiting)
            for lane in lanes:
                lane.put(batch)
        for lane in lanes:
            await lane.catch_up(0)
    except BaseException:
        await _stop(lanes)
        raise
    return size


async def _stop(lanes: Sequence[Lane]) -> None:
    cancelled: asyncio.CancelledError | None = None
    for lane in lanes:
        try:
            await lane.stop()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled

"""Upload bodies to an object store in parts, with bounded memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, S3Store

from moorage.errors import StorageFull, StorageUnavailable
from moorage.storage.body_writer import settle

_PARTS_IN_FLIGHT = 2
STREAM_BYTES = 512 * 1024
"""How much is handed over at once."""

Store = S3Store | GCSStore | AzureStore


class Writer:
    """One object, written in parts as its bytes arrive. At most three parts are in memory."""

    def __init__(self, store: Store, name: str, part_bytes: int) -> None:
        self.size_bytes = 0
        self._store = store
        self._name = name
        self._batch: bytes | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._changed = asyncio.Event()
        self._task = asyncio.ensure_future(
            obstore.put_async(
                store, name, self._feed(), use_multipart=True, chunk_size=part_bytes, max_concurrency=_PARTS_IN_FLIGHT
            )
        )
        self._task.add_done_callback(lambda _: self._changed.set())

    async def send(self, batch: bytes) -> None:
        """Hand over some bytes; waits while those before are still being taken."""
        while self._batch is not None and not self._task.done():
            self._changed.clear()
            await self._changed.wait()
        if self._task.done():
            await self._result()
        self._batch = batch
        self.size_bytes += len(batch)
        self._changed.set()

    async def finish(self) -> None:
        """Return when the object is there."""
        self._ended = True
        self._changed.set()
        await self._result()

    async def discard(self) -> None:
        """End it, and remove what came of it: leaving the parts open would leave them in the store for ever."""
        self._ended = True
        self._batch = None
        self._changed.set()
        with contextlib.suppress(StorageUnavailable, StorageFull):
            await self._result()
            with contextlib.suppress(Missing), translated():
                await obstore.delete_async(self._store, self._name)

    async def fail(self, error: BaseException) -> None:
        """End it without an object. Its parts stay until the bucket's lifecycle rule removes them."""
        self._error = error
        self._changed.set()
        with contextlib.suppress(BaseException):
            await settle(self._task)

    async def _result(self) -> None:
        with translated():
            await settle(self._task)

    async def _feed(self) -> AsyncIterator[bytes]:
        while True:
            while self._batch is None and not self._ended and self._error is None:
                self._changed.clear()
                await self._changed.wait()
            if self._error is not None:
                raise self._error
            if self._batch is None:
                return
            batch, self._batch = self._batch, None
            self._changed.set()
            yield batch


class Missing(StorageUnavailable):
    """There is no such object. Never leaves the driver."""


async def take(pieces: AsyncIterator[bytes], limit: int) -> tuple[bytes, bool]:
    """The beginning of a body up to about `limit` bytes, joined, and whether that is all of it."""
    head: list[bytes] = []
    size = 0
    async for piece in pieces:
        head.append(piece)
        size += len(piece)
        if size > limit:
            return b"".join(head), False
    return b"".join(head), True


async def chained(head: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`head`, then `pieces` joined to batches, in steps that a lane and a writer take without more memory."""
    for cut in range(0, len(head), STREAM_BYTES):
        yield head[cut : cut + STREAM_BYTES]
    del head
    waiting: list[bytes] = []
    size = 0
    async for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= STREAM_BYTES:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    if waiting:
        yield b"".join(waiting)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """The store's errors become our own; what it said stays in the log, it may name keys."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise Missing from error
    except (BaseError, OSError) as error:
        said = str(error)
        if any(word in said for word in ("StorageFull", "InsufficientStorage", "QuotaExceeded")):
            raise StorageFull from error
        raise StorageUnavailable from error

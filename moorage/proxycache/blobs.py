"""Blobs of proxies: fetched once for the machine, given out while they come, and stored when their digest is right.

A fetch is a task of its own: it does not end with the client that began it, and a slow client does not slow it down.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic

import msgspec

from moorage.artifacts.local_registry import Local
from moorage.blobs.blob_integrity import Shelf
from moorage.errors import (
    BlobUnknown,
    Problem,
    QuotaExceeded,
    RemoteBusy,
    RemoteMisbehaved,
    RemoteUnavailable,
    StorageFull,
    UpstreamFailed,
)
from moorage.oci.digest import Digest, Hasher
from moorage.proxycache.error_messages import explain, retell, tell
from moorage.proxycache.eviction import Evict
from moorage.proxycache.inflight_fetches import FAILED, WHOLE, Arrival, Arrivals, Head, Progress, tail
from moorage.proxycache.service import PROXY
from moorage.proxycache.upstreams import Proxy
from moorage.remotes.retry_policy import Attempts, Patience
from moorage.repositories.lookup import FoundBlob
from moorage.storage.base import LocalFile

_PATIENCE = Patience(tries=4, first_seconds=0.2, longest_seconds=5.0)
"""Of a fetch whose connection broke: clients are waiting."""
_BATCH_BYTES = 256 << 10
_HOLD_SECONDS = 0.05
"""How long a slow upstream's bytes are gathered before they go on."""

log = logging.getLogger("moorage.proxycache")

Completed = Callable[[Proxy, str, Digest], Awaitable[None]]
"""Told that a repository of a proxy has a blob now."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A blob of a proxy. `path`: the repository here; `upstream`: there."""

    proxy: Proxy
    path: str
    upstream: str
    digest: Digest

    @property
    def key(self) -> str:
        """What names its arrival on this machine: a repository's rights are its own."""
        return f"{self.proxy.project_id} {self.path} {self.digest}"


@dataclass(frozen=True, slots=True)
class Coming:
    """A blob that is on its way. `read` gives its bytes from a place to another, as they come; to be called once."""

    size_bytes: int
    read: Callable[[int, int], AsyncIterator[bytes]]


@dataclass(slots=True)
class _Fetch:
    """A fetch of this process."""

    arrival: Arrival
    progress: Progress = field(default_factory=Progress)
    task: "asyncio.Task[None] | None" = None


class Blobs:
    """The blobs of all proxies, in one process. Used from one event loop."""

    def __init__(self, shelf: Shelf, arrivals: Arrivals, evict: Evict, completed: Completed) -> None:
        self._shelf = shelf
        self._arrivals = arrivals
        self._evict = evict
        self._completed = completed
        self._fetches: dict[str, _Fetch] = {}
        self._slots = asyncio.Semaphore(shelf.settings.proxy_cache.fetches)
        self._running: dict[tuple[int, str], int] = {}
        self._local = Local(shelf, PROXY)

    async def find(self, wanted: Wanted) -> FoundBlob | None:
        """A blob that is here: in this repository, or in another of the project, from where it is linked."""
        found = await self._local.find_row(wanted.path, wanted.digest)
        if found is None and await self._local.mount_blob(wanted.path, wanted.digest):
            await self._completed(wanted.proxy, wanted.path, wanted.digest)
            found = await self._local.find_row(wanted.path, wanted.digest)
        return found

    async def find_size(self, wanted: Wanted) -> int:
        """How many bytes a blob has, here or at the upstream.

        Raises:
            BlobUnknown, RemoteBusy, UpstreamFailed: as `open`.
        """
        found = await self.find(wanted)
        if found is not None:
            return found.size_bytes
        try:
            size = await wanted.proxy.client.find_blob(wanted.upstream, wanted.digest)
        except Problem as problem:
            raise tell(wanted.proxy, problem) from problem
        if size is None or size < 0:
            raise BlobUnknown(repository=wanted.path, digest=str(wanted.digest))
        return size

    async def open(self, wanted: Wanted) -> FoundBlob | Coming:
        """A blob that is here, or its fetch, to take part in; it is begun where nobody has.

        Raises:
            BlobUnknown: the upstream does not have it.
            RemoteBusy, UpstreamFailed: it cannot be had now.
        """
        found: FoundBlob | Coming | None = None
        while found is None:
            found = await self.find(wanted) or await self._take_part(wanted)
        return found

    async def _take_part(self, wanted: Wanted) -> Coming | None:
        """The fetch of a blob; None: it is over, and the bytes are the storage's."""
        arrival, looks = self._join(wanted), 0
        try:
            while (head := arrival.head()) is None or not self._has_bytes(wanted, arrival, head):
                if head is not None and head.state == FAILED:
                    raise retell(head, wanted.proxy)  # noqa: TRY301 - the file is closed below
                fetch = self._fetches.get(wanted.key)
                if fetch is not None:
                    await fetch.progress.wait()
                    continue
                if head is not None and not arrival.is_current():
                    arrival.close()
                    return None
                looks += 1
                if looks % 10 == 0:
                    arrival = self._rejoin(wanted, arrival)
                await asyncio.sleep(0.01)
        except BaseException:
            arrival.close()
            raise

        def read(start: int, stop: int) -> AsyncIterator[bytes]:
            return tail(
                arrival,
                progress=lambda: None if (fetch := self._fetches.get(wanted.key)) is None else fetch.progress,
                rejoin=lambda held: self._rejoin(wanted, held),
                fail=lambda told: retell(told, wanted.proxy),
                start=start,
                stop=stop,
            )

        return Coming(head.size_bytes, read)

    async def fetch(self, wanted: Wanted) -> None:
        """Have a blob stored for which no client waits; what fails is in the log."""
        with contextlib.suppress(Problem):
            coming = await self.open(wanted)
            if isinstance(coming, Coming):
                async for _ in coming.read(max(0, coming.size_bytes - 1), coming.size_bytes):
                    pass

    async def close(self) -> None:
        """Stop fetching. What came stays in its file: another process of the machine goes on there."""
        tasks = [fetch.task for fetch in self._fetches.values() if fetch.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _has_bytes(self, wanted: Wanted, arrival: Arrival, head: Head) -> bool:
        """Whether the bytes can be read, as far as they came."""
        fetch = self._fetches.get(wanted.key)
        return head.state != FAILED and (
            (fetch is not None and arrival.share_bytes(fetch.arrival)) or arrival.find_bytes(head)
        )

    # -- one fetch ------------------------------------------------------------------------------------------

    def _join(self, wanted: Wanted) -> Arrival:
        """The file of a blob's arrival, to be read; if nobody writes it, this process does from now on."""
        while True:
            arrival = self._arrivals.open(wanted.key)
            if wanted.key in self._fetches:
                return arrival
            if arrival.lock():
                fetch = self._fetches[wanted.key] = _Fetch(arrival)
                fetch.task = asyncio.create_task(self._run(wanted, arrival, fetch))
                return self._arrivals.open(wanted.key)
            if arrival.is_current():
                return arrival
            arrival.close()

    def _rejoin(self, wanted: Wanted, held: Arrival) -> Arrival:
        """The file to go on with, after a look whether its writer lives: mostly the same."""
        found = self._join(wanted)
        if found.is_same(held):
            found.close()
            return held
        held.close()
        return found

    async def _run(self, wanted: Wanted, arrival: Arrival, fetch: _Fetch) -> None:
        try:
            with self._counted(wanted):
                async with self._slots:
                    hasher = await self._receive(wanted, arrival, fetch.progress)
            fetch.progress.moved()
            await self._store(wanted, arrival, hasher)
            arrival.unlink()
        except (Problem, OSError) as problem:
            log.warning("%s could not be fetched from %s: %s", wanted.digest, wanted.proxy.registry, problem)
            told = problem if isinstance(problem, Problem) else StorageFull("There is no room for what arrives.")
            head = arrival.head() or Head()
            if head.state != WHOLE:
                with contextlib.suppress(OSError):
                    arrival.set_head(_failed(head, explain(wanted.proxy, told)))
            arrival.unlink()
        except asyncio.CancelledError:
            raise  # what came stays: another process, or the next start, goes on there
        except BaseException:
            arrival.unlink()  # a bug of ours: nobody waits for ever, and the task tells of it
            arrival.set_head(_failed(Head(), UpstreamFailed("The fetch failed.")))
            raise
        finally:
            del self._fetches[wanted.key]
            arrival.close()
            fetch.progress.moved()

    @contextlib.contextmanager
    def _counted(self, wanted: Wanted) -> Iterator[None]:
        """Count the requests of a repository; one too many is refused.

        Raises:
            RemoteBusy: the project says that so many at once are enough.
        """
        key, most = (wanted.proxy.project_id, wanted.path), wanted.proxy.most_requests
        if most and self._running.get(key, 0) >= most:
            raise RemoteBusy("The proxy cache fetches as much of this repository as it may; wait.", most=most)
        self._running[key] = self._running.get(key, 0) + 1
        try:
            yield
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]

    async def _receive(self, wanted: Wanted, arrival: Arrival, progress: Progress) -> Hasher:
        """Have all bytes in the file, and their digest compared; the hash of them."""
        head, hasher = arrival.head(), Hasher(wanted.digest.algorithm)
        if head is not None and head.state != FAILED and arrival.resume(head):
            await arrival.feed(hasher)  # what another process left
        else:
            arrival.empty()
            head = None
        at, attempts = hasher.size_bytes, Attempts(_PATIENCE)
        while head is None or at < head.size_bytes:
            try:
                async with wanted.proxy.client.open_blob(wanted.upstream, wanted.digest, start=at) as (size, pieces):
                    self._shelf.metrics.counters["moorage_proxy_blob_requests_total"] += 1
                    if head is None:
                        self._arrivals.require_room(size)
                        head = arrival.begin(size)
                        progress.moved()
                    elif size != head.size_bytes:
                        raise RemoteMisbehaved("The blob is not as long as it was.", digest=str(wanted.digest))
                    writer = _Writer(arrival, hasher, progress, _Pace(wanted.proxy.bytes_per_second))
                    try:
                        async for piece in pieces:
                            attempts.moved(len(piece))
                            await writer.take(piece, size)
                    finally:
                        at = await writer.finish()
                if at < size:
                    raise RemoteUnavailable("The blob ended early.")  # noqa: TRY301 - as a connection that breaks
                if size == 0:
                    break
            except RemoteUnavailable as problem:
                await attempts.wait(problem)
        if hasher.digest() != wanted.digest:
            raise RemoteMisbehaved("The blob is not what its digest says.", digest=str(wanted.digest))
        arrival.set_head(msgspec.structs.replace(head, state=WHOLE))
        self._shelf.metrics.counters["moorage_proxy_blob_bytes_total"] += at
        return hasher

    async def _store(self, wanted: Wanted, arrival: Arrival, hasher: Hasher) -> None:
        """Give the bytes to the storage, where there is room; whoever reads the file does not mind.

        A file system takes the file itself; where that failed once, it takes what can still be read of it.
        """
        size = hasher.size_bytes

        async def read(start: int) -> AsyncIterator[bytes]:
            while start < size:
                piece = await arrival.read(start, size)
                start += len(piece)
                yield piece

        async def put() -> None:
            path = arrival.bytes_path()
            file = None if path is None else LocalFile(path, arrival.writing, hasher)
            await self._local.put_blob(wanted.path, wanted.digest, size, read, file=file)

        try:
            await self._evict.making_room(wanted.proxy, wanted.path, "", put)
        except QuotaExceeded:
            log.info("%s was passed on and not kept: project %s is full", wanted.digest, wanted.proxy.name)
            return
        except Problem as problem:
            log.warning("%s was passed on and could not be kept: %s", wanted.digest, problem)
            return
        await self._completed(wanted.proxy, wanted.path, wanted.digest)


class _Writer:
    """Gives what comes to those who wait for it, to the file and to the hash; the last two in threads."""

    def __init__(self, arrival: Arrival, hasher: Hasher, progress: Progress, pace: "_Pace") -> None:
        self._arrival = arrival
        self._progress = progress
        self._pace = pace
        self._at = self._written = hasher.size_bytes
        self._pieces: list[bytes] = []
        self._held = 0
        self._gave_at = 0.0
        self._lanes = arrival.lanes(self._write, hasher.update)

    async def take(self, piece: bytes, size: int) -> None:
        """Take a piece of a blob of `size` bytes.

        Raises:
            RemoteMisbehaved: it is one too many.
            OSError: the file cannot be written.
        """
        if self._at + self._held + len(piece) > size:
            raise RemoteMisbehaved("The blob is longer than it was said to be.")
        self._pieces.append(piece)
        self._held += len(piece)
        await self._pace.wait(len(piece))
        if self._held >= _BATCH_BYTES or monotonic() - self._gave_at > _HOLD_SECONDS:
            self._give()
        for lane in self._lanes:
            if lane.is_behind() or lane.error is not None:
                await lane.catch_up()

    async def finish(self) -> int:
        """Wait until all is written and hashed; where the file ends then."""
        self._give()
        for lane in self._lanes:
            await lane.catch_up(0)
        return self._at

    def _give(self) -> None:
        if not self._pieces:
            return
        batch = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._progress.add(self._at, batch)
        self._at += len(batch)
        self._pieces, self._held, self._gave_at = [], 0, monotonic()
        for lane in self._lanes:
            lane.put(batch)
        self._progress.moved()

    def _write(self, batch: bytes) -> None:
        self._arrival.write(self._written, batch)
        self._written += len(batch)


class _Pace:
    """Holds back what is faster than so many bytes per second; 0: nothing is."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0

    async def wait(self, size_bytes: int) -> None:
        """Wait until so many bytes may go on."""
        if self._rate:
            now = monotonic()
            self._free_at = max(self._free_at, now) + size_bytes / self._rate
            await asyncio.sleep(self._free_at - now)


def _failed(head: Head, problem: Problem) -> Head:
    wait = problem.headers.get("Retry-After", "")
    return Head(
        head.size_bytes, FAILED, head.bytes_name, status=problem.status, reason=problem.reason,
        message=str(problem)[:400], retry_after=wait,
    )  # fmt: skip

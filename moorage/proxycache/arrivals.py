"""A blob on its way from an upstream: one process of the machine writes it to a file, and all of them read that file.

Who holds the lock of the file (`flock`) writes it; the kernel gives the lock back when its holder dies, however it
died, and then whoever waits for bytes takes it and goes on where the file ends. The head of the file says how long the
blob is and how it stands. The last byte is given to nobody before the digest of all of them was compared. A file is
unlinked by the holder of its lock only, when the blob is stored or cannot be had; who has it open reads on.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from moorage.errors import Problem, StorageFull

HEAD_BYTES = 1024
PIECE_BYTES = 1 << 20
_LOOK_SECONDS = 0.01
"""How often a file is looked at that another process writes."""
_VECTORS = 512
_PROBE_EVERY = 25
"""After how many looks it is seen whether its writer lives."""

_SPARE_BYTES = 64 << 20
"""What an arrival leaves free on the disk."""

ARRIVING, WHOLE, FAILED = "arriving", "whole", "failed"


class Head(msgspec.Struct, frozen=True):
    """How an arrival stands.

    Attributes:
        size_bytes: of the blob.
        state: `arriving`, `whole` (the digest was compared) or `failed`.
        status, reason, message, retry_after: why it failed, for those who wait for it in other processes.
    """

    size_bytes: int = 0
    state: str = ARRIVING
    status: int = 0
    reason: str = ""
    message: str = ""
    retry_after: str = ""


class Arrival:
    """An open file of an arrival. Its owner closes it."""

    __slots__ = ("_file", "_pool", "path")

    def __init__(self, path: Path, file: int, pool: ThreadPoolExecutor) -> None:
        self.path = path
        self._file = file
        self._pool = pool

    # -- the head -------------------------------------------------------------------------------------------

    def head(self) -> Head | None:
        """How it stands; None: its writer knows nothing yet."""
        raw = os.pread(self._file, HEAD_BYTES, 0).rstrip(b" ")
        try:
            return msgspec.json.decode(raw, type=Head)
        except msgspec.MsgspecError:
            return None

    def set_head(self, head: Head) -> None:
        """Say how it stands; by who holds the lock."""
        raw = msgspec.json.encode(head)
        if len(raw) > HEAD_BYTES:
            raw = msgspec.json.encode(msgspec.structs.replace(head, message=""))
        os.pwrite(self._file, raw.ljust(HEAD_BYTES), 0)

    def size(self) -> int:
        """How many bytes of the blob are there."""
        return max(0, os.fstat(self._file).st_size - HEAD_BYTES)

    # -- bytes ----------------------------------------------------------------------------------------------

    async def write(self, at: int, pieces: list[bytes], hasher: Callable[[bytes], None]) -> None:
        """Write pieces in a thread, and feed them to `hasher`."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self._write, at, pieces, hasher)

    def _write(self, at: int, pieces: list[bytes], hasher: Callable[[bytes], None]) -> None:
        left = [memoryview(piece) for piece in pieces]
        while left:
            written = os.pwritev(self._file, left[:_VECTORS], HEAD_BYTES + at)
            at += written
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if written:
                left[0] = left[0][written:]
        for piece in pieces:
            hasher(piece)

    async def read(self, start: int, stop: int) -> bytes:
        """At most `PIECE_BYTES` from `start` on, before `stop`."""
        length = min(PIECE_BYTES, stop - start)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, os.pread, self._file, length, HEAD_BYTES + start)

    def cut(self, size_bytes: int = 0) -> None:
        """Forget what lies behind so many bytes; 0: everything, the head too."""
        os.ftruncate(self._file, HEAD_BYTES + size_bytes if size_bytes else 0)

    # -- the lock -------------------------------------------------------------------------------------------

    def lock(self) -> bool:
        """Become its writer; False: somebody else is, or the file is not the one of this path any more."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if self.is_current():
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def is_current(self) -> bool:
        """Whether its path still leads to this file."""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        mine = os.fstat(self._file)
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)

    def is_same(self, other: "Arrival") -> bool:
        """Whether both are one file."""
        mine, its = os.fstat(self._file), os.fstat(other._file)  # noqa: SLF001 - one of ours
        return (mine.st_dev, mine.st_ino) == (its.st_dev, its.st_ino)

    def unlink(self) -> None:
        """Take it off its path; by who holds the lock."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close it; the lock goes along."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        """Close it, where a reply was never begun."""
        self.close()


class Progress:
    """Wakes those of this process who wait for an arrival that it writes."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def moved(self) -> None:
        """Wake them."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self) -> None:
        """Wait for the next move, a quarter of a second at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.25):
                await self._event.wait()


class Arrivals:
    """The folder of arrivals of a machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="arrivals")

    def open(self, key: str) -> Arrival:
        """The file of an arrival, made unless it is there."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / hashlib.sha256(key.encode()).hexdigest()
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return Arrival(path, file, self._pool)

    def require_room(self, size_bytes: int) -> None:
        """See that the disk has room for so many bytes beside what it needs for itself.

        Raises:
            StorageFull: it has not.
        """
        disk = os.statvfs(self.folder)
        if disk.f_bavail * disk.f_frsize < size_bytes + _SPARE_BYTES:
            raise StorageFull

    def sweep(self) -> None:
        """Remove what a process that was killed left, and nobody writes."""
        for path in self.folder.glob("*"):
            try:
                file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except OSError:
                continue
            left = Arrival(path, file, self._pool)
            if left.lock():
                left.unlink()
            left.close()

    async def close(self) -> None:
        """End the threads."""
        await asyncio.to_thread(self._pool.shutdown)

    @contextlib.asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Be the only one of the machine who does what `key` names; it ends with the process that has it."""
        waited = 0.002
        while True:
            held = self.open(f"turn {key}")
            if held.lock():
                break
            held.close()
            await asyncio.sleep(waited)
            waited = min(waited * 1.5, 0.05)
        try:
            yield
        finally:
            held.unlink()
            held.close()


async def tail(
    arrival: Arrival,
    *,
    progress: Callable[[], Progress | None],
    rejoin: Callable[[Arrival], Arrival],
    fail: Callable[[Head], Problem],
    start: int,
    stop: int,
) -> AsyncIterator[bytes]:
    """The bytes of an arrival from `start` to `stop`, as they come; the last byte of the blob once all are right.

    Args:
        arrival: closed at the end.
        progress: of the writer, if it is this process.
        rejoin: sees whether another process still writes, and gives the file to go on with.
        fail: the problem that a failed head tells of.
        start: from where.
        stop: to where.
    """
    at, looks = start, 0
    try:
        while at < stop:
            head = arrival.head()
            if head is not None and head.state == FAILED:
                raise fail(head)
            there = 0 if head is None else arrival.size()
            if head is not None and head.state != WHOLE:
                there = min(there, head.size_bytes - 1)
            if at < min(there, stop):
                piece = await arrival.read(at, min(there, stop))
                at, looks = at + len(piece), 0
                yield piece
                continue
            writing = progress()
            if writing is not None:
                await writing.wait()
                continue
            looks += 1
            if looks % _PROBE_EVERY == 0:
                arrival = rejoin(arrival)
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        arrival.close()

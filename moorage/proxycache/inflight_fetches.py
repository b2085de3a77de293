"""In-flight fetches of blobs: one process of the machine downloads, all of them read its file.

An arrival is two files. The first says how long the blob is and how it stands, its *head*, and has the lock (`flock`):
who holds that writes both; the kernel gives it back when its holder dies, however it died, and then whoever waits for
bytes takes it and goes on where they end. The second has the bytes and nothing else, under a name that is used once and
is in the head, so that the storage can have the file itself in the end. The last byte is given to nobody before the
digest of all of them was compared. Both names go by the holder of the lock only, when the blob is stored or cannot be
had; who has them open reads on.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from moorage.errors import Problem, StorageFull
from moorage.oci.digest import Hasher
from moorage.storage.body_writer import Lane, settle

HEAD_BYTES = 1024
PIECE_BYTES = 1 << 20
_RECENT_BYTES = 2 << 20
"""More than the lanes may lag behind: what is not at hand any more is in the file."""
_LOOK_SECONDS = 0.01
"""How often a file is looked at that another process writes."""
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
        bytes_name: of the file with the bytes, beside this one.
        status, reason, message, retry_after: why it failed, for those who wait for it in other processes.
    """

    size_bytes: int = 0
    state: str = ARRIVING
    bytes_name: str = ""
    status: int = 0
    reason: str = ""
    message: str = ""
    retry_after: str = ""


class Arrival:
    """An arrival that is open here, by its writer or by a reader. Its owner closes it."""

    __slots__ = ("_bytes", "_file", "_pool", "_writing", "path")

    def __init__(self, path: Path, file: int, pool: ThreadPoolExecutor) -> None:
        self.path = path
        self._file = file
        self._pool = pool
        self._bytes = -1
        self._writing = -1

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

    # -- bytes ----------------------------------------------------------------------------------------------

    def begin(self, size_bytes: int) -> Head:
        """Make the file for so many bytes, named before it is there. By who holds the lock."""
        head = Head(size_bytes, ARRIVING, f"{self.path.name}.{secrets.token_hex(8)}")
        self.set_head(head)
        self._writing = os.open(self._beside(head), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._bytes = os.open(self._beside(head), os.O_RDONLY | os.O_CLOEXEC)
        return head

    def resume(self, head: Head) -> bool:
        """Go on with what another writer left; False: its bytes are gone. By who holds the lock."""
        try:
            self._writing = os.open(self._beside(head), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        return self.find_bytes(head)

    def find_bytes(self, head: Head) -> bool:
        """Open the bytes, to read them; False: they are gone, most likely into the storage."""
        if self._bytes < 0:
            with contextlib.suppress(FileNotFoundError):
                self._bytes = os.open(self._beside(head), os.O_RDONLY | os.O_CLOEXEC)
        return self._bytes >= 0

    def share_bytes(self, writer: "Arrival") -> bool:
        """Read the bytes that a writer of this process has open, wherever they have gone; False: it has none yet."""
        if self._bytes < 0 <= writer._bytes:  # noqa: SLF001 - one of ours
            self._bytes = os.dup(writer._bytes)  # noqa: SLF001 - one of ours
        return self._bytes >= 0

    def _beside(self, head: Head) -> Path:
        return self.path.with_name(head.bytes_name or f"{self.path.name}.none")

    @property
    def writing(self) -> int:
        """The descriptor by which the bytes are written."""
        return self._writing

    def bytes_path(self) -> Path | None:
        """Where the bytes are; None: nowhere any more."""
        head = self.head()
        path = None if head is None else self._beside(head)
        return path if path is not None and path.exists() else None

    def size(self) -> int:
        """How many bytes of the blob are there."""
        return os.fstat(self._bytes).st_size if self._bytes >= 0 else 0

    def lanes(self, *works: Callable[[bytes], None]) -> list[Lane]:
        """Threads that do something with the bytes that come, each in their order."""
        return [Lane(self._pool, work) for work in works]

    def write(self, at: int, piece: bytes) -> None:
        """Write a piece; in a thread, by who holds the lock."""
        written = os.pwrite(self._writing, piece, at)
        while written < len(piece):
            written += os.pwrite(self._writing, memoryview(piece)[written:], at + written)

    async def feed(self, hasher: Hasher) -> None:
        """Hash all bytes that are there."""

        def run() -> None:
            while piece := os.pread(self._bytes, PIECE_BYTES, hasher.size_bytes):
                hasher.update(piece)

        await settle(asyncio.get_running_loop().run_in_executor(self._pool, run))

    async def read(self, start: int, stop: int) -> bytes:
        """At most `PIECE_BYTES` from `start` on, before `stop`."""
        length = min(PIECE_BYTES, stop - start)
        return await asyncio.get_running_loop().run_in_executor(self._pool, os.pread, self._bytes, length, start)

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
        """Take it off its path, the bytes first: nothing else names them. By who holds the lock."""
        self._unlink_bytes()
        self.path.unlink(missing_ok=True)

    def empty(self) -> None:
        """Forget what an earlier writer left. By who holds the lock."""
        self._unlink_bytes()
        os.ftruncate(self._file, 0)

    def _unlink_bytes(self) -> None:
        head = self.head()
        if head is not None and head.bytes_name:
            self._beside(head).unlink(missing_ok=True)

    def close(self) -> None:
        """Close it; the lock goes along."""
        for file in (self._writing, self._bytes, self._file):
            if file >= 0:
                os.close(file)
        self._writing = self._bytes = self._file = -1

    def __del__(self) -> None:
        """Close it, where a reply was never begun."""
        self.close()


class Progress:
    """Tells those of this process of an arrival that it writes: wakes who waits, and has the newest bytes at hand."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._recent: deque[tuple[int, bytes]] = deque()
        self._recent_bytes = 0

    def add(self, at: int, piece: bytes) -> None:
        """Keep a piece that came, for those who are as far as that; what they miss is in the file."""
        self._recent.append((at, piece))
        self._recent_bytes += len(piece)
        while self._recent_bytes > _RECENT_BYTES and len(self._recent) > 1:
            self._recent_bytes -= len(self._recent.popleft()[1])

    def find(self, at: int) -> bytes:
        """Bytes that begin at `at`; none where they have to be read, or did not come yet."""
        for start, piece in self._recent:
            if start <= at < start + len(piece):
                return piece[at - start :] if at > start else piece
        return b""

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
            if path.suffix:
                if not path.with_suffix("").exists():
                    path.unlink(missing_ok=True)
                continue
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
            writing = progress()
            piece = b""
            if head is not None:
                until = min(stop, head.size_bytes - (head.state != WHOLE))
                if writing is not None:
                    piece = writing.find(at)[: max(0, until - at)]
                if not piece and arrival.find_bytes(head) and at < (ready := min(until, arrival.size())):
                    piece = await arrival.read(at, ready)
            if piece:
                at, looks = at + len(piece), 0
                yield piece
                continue
            if writing is not None:
                await writing.wait()
                continue
            looks += 1
            if looks % _PROBE_EVERY == 0:
                arrival = rejoin(arrival)
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        arrival.close()

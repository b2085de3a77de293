"""Disks that are full, broken or slow: nothing is lost, nothing is half there, nothing stands still."""

import asyncio
import contextlib
import errno
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from moorage import failpoints
from moorage.errors import BlobDamaged, StorageFull, StorageUnavailable, UploadUnknown
from moorage.oci.digest import Hasher, compute
from moorage.storage.base import LocalFile, Progress
from moorage.storage.filesystem import Filesystem
from moorage.storage.syscalls import Disk
from moorage.testing.bodies import cut, gather, list_uploads, new_upload, pieces, store
from tests.faults.power import FaultyDisk, list_open_files

LARGE = os.urandom(1_300_000)
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
OPERATIONS = ["create", "open", "write", "truncate", "fsync", "fsync_dir", "rename", "mkdir"]
FAULTS = [
    *((operation, error) for operation in OPERATIONS for error in (errno.ENOSPC, errno.EIO)),
    *(("write", error) for error in (errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE)),
]


async def reset() -> AsyncIterator[bytes]:
    """A client that goes away in the middle."""
    yield LARGE
    await asyncio.sleep(0.02)  # long enough for some of it to be written
    raise ConnectionResetError(errno.ECONNRESET, "reset by peer")


async def push(storage: Filesystem) -> None:
    """A blob in three appends, the middle one large, the last one a takeover; one that breaks; and an object."""
    upload, hasher = new_upload(), Hasher()
    progress = await storage.start(upload)
    try:
        for number, body in enumerate((b"first", LARGE, b"last")):
            progress = await storage.append(upload, progress, pieces(*cut(body, 300_000)), hasher, takeover=number == 2)
            with contextlib.suppress(ConnectionResetError):
                await storage.append(upload, progress, reset(), None, takeover=False)
        await storage.finish(upload, progress, storage.place(hasher.digest(), upload, progress, first=True))
        await storage.put("object", pieces(LARGE))
    finally:
        await storage.abort(upload, progress)


# -- one operation fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "error"), FAULTS, ids=str)
async def test_a_failing_operation_leaves_nothing_half_done(tmp_path: Path, operation: str, error: int) -> None:
    before = Filesystem(tmp_path)
    await before.open()
    old = await store(before, b"old blob")
    reached = 0
    for number in range(100):
        disk = FaultyDisk(operation, number, error)
        storage = Filesystem(tmp_path, disk=disk)

        with contextlib.suppress(StorageFull if error in FULL else StorageUnavailable):
            await push(storage)
        await storage.close()
        if not disk.has_failed:
            break
        reached += 1

        # What is there is whole; what was there is still served; nothing is open or left behind.
        for key in [key async for key, _ in before.walk()]:
            assert await gather(before.read(key)) in {b"old blob", b"first" + LARGE + b"last", LARGE}
        assert await gather(before.read(old)) == b"old blob"
        assert await list_uploads(before) == set()
        assert not list((tmp_path / "temporary").iterdir())
        assert list(list_open_files(tmp_path)) == []

        # And with the fault gone, all goes on without a restart.
        await push(before)
    await before.close()

    assert reached > 0


@pytest.mark.parametrize("operation", ["mkdir", "rename", "fsync", "fsync_dir"])
async def test_a_file_at_hand_that_cannot_be_had_leaves_nothing(tmp_path: Path, operation: str) -> None:
    disk, upload, hasher = FaultyDisk(), new_upload(), Hasher()
    storage = Filesystem(tmp_path / "storage", disk=disk)
    await storage.open()
    hasher.update(LARGE)
    with (tmp_path / "at hand").open("w+b", buffering=0) as file:
        file.write(LARGE)
        at_hand = LocalFile(tmp_path / "at hand", file.fileno(), hasher)
        disk.fail(operation, errno.EIO)
        with pytest.raises(StorageUnavailable):
            await storage.adopt(upload, at_hand)
        assert await list_uploads(storage) == set()
        assert at_hand.path.exists() == (operation in {"mkdir", "rename"})
        if at_hand.path.exists():
            disk.fail("rename", errno.EXDEV)  # on another file system: it is left, and has to be read
            assert await storage.adopt(upload, at_hand) is None
            assert at_hand.path.read_bytes() == LARGE
            assert await list_uploads(storage) == set()
            assert await storage.adopt(upload, at_hand) is not None
    await storage.close()


@pytest.mark.parametrize("body", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("operation", ["fsync", "fsync_dir"])
async def test_a_failed_sync_of_a_first_append_is_final(tmp_path: Path, operation: str, body: bytes) -> None:
    upload = new_upload()
    disk = FaultyDisk()
    storage = Filesystem(tmp_path, disk=disk)
    await storage.open()
    disk.fail(operation, errno.EIO)

    with pytest.raises(StorageUnavailable):
        await storage.append(upload, await storage.start(upload), pieces(body), None, takeover=False)

    # The file is gone with all that was in it, and was not asked a second time.
    assert disk.since[operation] == 1
    assert list((tmp_path / "uploads" / upload).iterdir()) == []
    await storage.close()


@pytest.mark.parametrize("body", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("failing", ["fsync", "fsync_dir"])
@pytest.mark.parametrize("takeover", [False, True], ids=["goes-on", "takes-over"])
async def test_a_failed_sync_loses_nothing_that_was_acknowledged(
    tmp_path: Path, *, failing: str, body: bytes, takeover: bool
) -> None:
    disk = FaultyDisk()
    storage = Filesystem(tmp_path, disk=disk)
    await storage.open()
    upload, hasher = new_upload(), Hasher()
    progress = await storage.append(
        upload, await storage.start(upload), pieces(b"acknowledged"), hasher, takeover=False
    )
    disk.fail(failing, errno.EIO)
    with pytest.raises(StorageUnavailable):
        await storage.append(upload, progress, pieces(b"lost"), None, takeover=failing == "fsync_dir")
    # What failed is not asked again, and nobody can go on in it by its name.
    assert disk.since[failing] == 1
    remaining = {path.name for path in (tmp_path / "uploads" / upload).iterdir()}
    assert remaining == ({"data"} if failing == "fsync_dir" else {"data-unsynced"})
    assert await gather(storage.read_upload(upload, progress)) == b"acknowledged"

    # It fails once more; then it goes on.
    disk.fail(failing if takeover else "fsync", errno.EIO)
    again = Hasher.resume("sha256", progress.hash_state)
    with pytest.raises(StorageUnavailable):
        await storage.append(upload, progress, pieces(body), again, takeover=takeover)
    before = (tmp_path / "uploads" / upload / remaining.pop()).stat().st_ino if takeover else 0
    hasher = Hasher.resume("sha256", progress.hash_state)
    progress = await storage.append(upload, progress, pieces(*cut(body, 300_000)), hasher, takeover=takeover)
    file = tmp_path / "uploads" / upload / f"data.{progress.driver}"

    assert file.stat().st_ino != before
    assert await gather(storage.read_upload(upload, progress)) == b"acknowledged" + body
    key = storage.place(hasher.digest(), upload, progress, first=True)
    await storage.finish(upload, progress, key)
    assert await gather(storage.read(key)) == b"acknowledged" + body
    assert await list_uploads(storage) == set()
    await storage.close()


@pytest.mark.parametrize("damage", [b"acknowledgeD", b"acknow"], ids=["changed", "cut"])
@pytest.mark.parametrize("how", ["append", "take-over", "finish"])
async def test_what_a_failed_sync_damaged_is_not_believed(tmp_path: Path, how: str, damage: bytes) -> None:
    """The page in which the acknowledged bytes end was written to again: the disk may have spoiled it."""
    disk = FaultyDisk()
    storage = Filesystem(tmp_path, disk=disk)
    await storage.open()
    upload, hasher = new_upload(), Hasher()
    progress = await storage.append(
        upload, await storage.start(upload), pieces(b"acknowledged"), hasher, takeover=False
    )
    disk.fail("fsync", errno.EIO)
    with pytest.raises(StorageUnavailable):
        await storage.append(upload, progress, pieces(b"lost"), None, takeover=False)
    (tmp_path / "uploads" / upload / "data-unsynced").write_bytes(damage)

    key = storage.place(hasher.digest(), upload, progress, first=True)
    if how == "finish":
        with pytest.raises(UploadUnknown):
            await storage.finish(upload, progress, key)
    else:
        with pytest.raises(UploadUnknown):
            await storage.append(upload, progress, pieces(b"more"), hasher, takeover=how == "take-over")

    assert await storage.stat(key) is None
    assert list(list_open_files(tmp_path)) == []
    await storage.close()


async def test_an_upload_can_be_finished_at_once_after_a_failed_sync(tmp_path: Path) -> None:
    disk = FaultyDisk()
    storage = Filesystem(tmp_path, disk=disk)
    await storage.open()
    upload, hasher = new_upload(), Hasher()
    progress = await storage.append(upload, await storage.start(upload), pieces(LARGE), hasher, takeover=False)
    disk.fail("fsync", errno.EIO)
    with pytest.raises(StorageUnavailable):
        await storage.append(upload, progress, pieces(b"lost"), None, takeover=False)
    failed = (tmp_path / "uploads" / upload / "data-unsynced").stat().st_ino

    key = storage.place(hasher.digest(), upload, progress, first=True)
    await storage.finish(upload, progress, key)

    assert await gather(storage.read(key)) == LARGE
    assert storage.path(key).stat().st_ino != failed
    await storage.close()


async def test_a_sync_that_fails_after_the_rename_leaves_the_name_to_the_next_call(tmp_path: Path) -> None:
    disk = FaultyDisk()
    storage = Filesystem(tmp_path, disk=disk)
    await storage.open()
    upload = new_upload()
    progress = await storage.append(upload, await storage.start(upload), pieces(b"bytes"), None, takeover=False)
    key = storage.place(compute(b"bytes"), upload, progress, first=True)
    disk.fail("fsync_dir", errno.EIO)

    with pytest.raises(StorageUnavailable):
        await storage.finish(upload, progress, key)

    # The next one writes to the folder before it asks: the sync that failed might say "fine" now.
    disk.fail("", 0)
    await storage.finish(upload, progress, key)
    assert disk.since["mkdir"] >= 1
    assert await gather(storage.read(key)) == b"bytes"
    assert [path.name for path in storage.path(key).parent.iterdir()] == ["data"]
    await storage.close()


@pytest.mark.parametrize("repeated", [False, True], ids=["first", "repeated"])
async def test_a_finish_that_wakes_up_late_and_fails_leaves_a_live_file_alone(
    tmp_path: Path, *, repeated: bool
) -> None:
    """One process is frozen before it syncs the name, another settles the name and commits, the first one fails."""
    disk = FaultyDisk()
    frozen, other = Filesystem(tmp_path, disk=disk), Filesystem(tmp_path)
    await frozen.open()
    await other.open()
    upload = new_upload()
    progress = await other.append(upload, await other.start(upload), pieces(b"bytes"), None, takeover=False)
    key = other.place(compute(b"bytes"), upload, progress, first=True)
    if repeated:
        other._make_folders(other.path(key).parent)
        (tmp_path / "uploads" / upload / "data").rename(other.path(key))
    woken = threading.Event()
    asleep = threading.Event()
    real = disk.fsync_dir

    def freeze(path: Path) -> None:
        asleep.set()
        woken.wait(10)
        disk.fail("fsync_dir", errno.EIO)
        real(path)

    disk.fsync_dir = freeze  # type: ignore[method-assign]
    late = asyncio.create_task(frozen.finish(upload, progress, key))
    await asyncio.to_thread(asleep.wait, 10)
    await other.finish(upload, progress, key)
    woken.set()

    with pytest.raises(StorageUnavailable):
        await late
    assert await gather(other.read(key)) == b"bytes"
    await frozen.close()
    await other.close()


async def test_a_body_that_fails_with_a_system_error_is_not_the_storages_fault(tmp_path: Path) -> None:
    storage = Filesystem(tmp_path)
    await storage.open()

    with pytest.raises(ConnectionResetError):
        await storage.append(new_upload(), Progress(), reset(), Hasher(), takeover=False)
    await storage.close()


async def test_a_file_cut_short_is_noticed_in_the_middle_of_a_read(tmp_path: Path) -> None:
    storage = Filesystem(tmp_path)
    await storage.open()
    key = await store(storage, LARGE * 3)
    reader = storage.read(key)
    await anext(reader)

    os.truncate(storage.path(key), 2_000_000)

    with pytest.raises(BlobDamaged):
        await gather(reader)
    await storage.close()


async def test_two_file_systems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Filesystem(tmp_path)
    (tmp_path / "docker/registry/v2/blobs").mkdir(parents=True)
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        if path.name != "blobs":
            return found
        fields = list(found)
        fields[2] += 1
        return os.stat_result(fields)

    monkeypatch.setattr(Path, "stat", stat)

    with pytest.raises(StorageUnavailable, match="one file system"):
        await storage.open()
    await storage.close()


async def test_folders_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    storage = Filesystem(tmp_path / "storage")
    await storage.open()
    await store(storage, b"blob")
    await storage.append(new_upload(), Progress(), pieces(b"upload"), None, takeover=False)
    await storage.close()

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "storage").rglob("*") if path.is_dir()}
    files = {path.stat().st_mode & 0o777 for path in (tmp_path / "storage").rglob("*") if path.is_file()}

    assert ((tmp_path / "storage").stat().st_mode & 0o777, modes, files) == (0o700, {0o700}, {0o600})


async def test_old_temporary_files_are_removed_at_start_and_young_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    for name, age_hours in (("old", 30), ("young", 20)):
        path = tmp_path / "temporary" / name
        path.write_bytes(b"x")
        then = time.time() - age_hours * 3600
        os.utime(path, (then, then))
    storage = Filesystem(tmp_path)

    await storage.open()
    await storage.close()

    assert [path.name for path in (tmp_path / "temporary").iterdir()] == ["young"]


@pytest.mark.parametrize("point", ["append.piece", "append.written", "commit.renamed"])
@pytest.mark.parametrize(
    ("action", "expected"), [("enospc", StorageFull), ("eio", StorageUnavailable), ("raise", RuntimeError)]
)
async def test_the_named_points_are_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, action: str, expected: type[Exception]
) -> None:
    storage = Filesystem(tmp_path)
    await storage.open()
    monkeypatch.setattr(failpoints, "_armed", None)
    failpoints.arm(f"{point}:{action}")

    with pytest.raises(expected):
        await push(storage)

    await push(storage)
    await storage.close()


# -- slow disks -------------------------------------------------------------------------------------------


class SlowDisk(Disk):
    """Every operation takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def write(self, fd: int, data: bytes, offset: int) -> None:
        time.sleep(self.seconds)
        super().write(fd, data, offset)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        time.sleep(self.seconds)
        return super().read(fd, size, offset)

    def fsync(self, fd: int) -> None:
        time.sleep(self.seconds)
        super().fsync(fd)

    def fsync_dir(self, path: Path) -> None:
        time.sleep(self.seconds)
        super().fsync_dir(path)


@pytest.mark.parametrize("size", [1000, 11_000, 410_000, 1_048_576])
async def test_a_slow_disk_holds_the_sender(tmp_path: Path, size: int) -> None:
    storage = Filesystem(tmp_path, disk=SlowDisk(0.02))
    await storage.open()
    total = 12_000_000 if size > 1000 else 3_000_000
    given = most = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given, most
        data = bytes(size)
        while given < total:
            written = sum(path.stat().st_size for path in tmp_path.glob("uploads/*/data"))  # noqa: ASYNC240 - a test
            most = max(most, given - written)
            given += size
            yield data
            await asyncio.sleep(0)

    await storage.append(new_upload(), Progress(), endless(), Hasher(), takeover=False)
    await storage.close()

    assert given >= total
    assert most < 8 * 1024 * 1024


class AsideDisk(SlowDisk):
    """Counts what it is asked, and what of it by the thread that everybody's requests run in."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.asked: Counter[str] = Counter()
        self.in_loop: list[str] = []

    def _note(self, name: str) -> None:
        self.asked[name] += 1
        if threading.current_thread() is threading.main_thread():
            self.in_loop.append(name)

    def write(self, fd: int, data: bytes, offset: int) -> None:
        self._note("write")
        super().write(fd, data, offset)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        self._note("read")
        return super().read(fd, size, offset)

    def fsync(self, fd: int) -> None:
        self._note("fsync")
        super().fsync(fd)

    def fsync_dir(self, path: Path) -> None:
        self._note("fsync_dir")
        super().fsync_dir(path)


async def test_a_slow_disk_does_not_hold_the_loop(tmp_path: Path) -> None:
    disk = AsideDisk()
    storage = Filesystem(tmp_path, disk=disk)
    await storage.open()

    key = await store(storage, LARGE)
    await gather(storage.read(key))
    await storage.delete(key)
    await storage.close()

    assert set(disk.asked) == {"write", "read", "fsync", "fsync_dir"}
    assert disk.in_loop == []


async def test_many_slow_uploads_share_a_few_threads(tmp_path: Path) -> None:
    storage = Filesystem(tmp_path)
    await storage.open()
    halfway, go = asyncio.Semaphore(0), asyncio.Event()

    async def slow(number: int) -> AsyncIterator[bytes]:
        yield bytes([number]) * 300_000
        halfway.release()
        await go.wait()
        yield b"end"

    async def upload(number: int) -> bytes:
        name = new_upload()
        progress = await storage.append(name, Progress(), slow(number), Hasher(), takeover=False)
        return await gather(storage.read_upload(name, progress))

    tasks = [asyncio.create_task(upload(number)) for number in range(200)]
    for _ in tasks:
        await halfway.acquire()
    await asyncio.sleep(0.1)
    threads = len(storage._pool._threads)
    # All 200 wait for their clients, and the storage still does other things at once.
    async with asyncio.timeout(60):
        await storage.check()
    go.set()
    got = await asyncio.gather(*tasks)
    await storage.close()

    assert threads <= 32
    assert got == [bytes([number]) * 300_000 + b"end" for number in range(200)]

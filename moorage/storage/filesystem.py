"""Blobs as files, in the layout of the distribution registry.

Durable means here, on every path: the file is synced, then renamed, then the folder it went to, every folder
above that this process has not synced yet, and the folder it left. A sync that fails is final: the file is
never written to and never asked again, because the system may have dropped the bytes it could not write and would
answer "fine" the second time. What an earlier sync acknowledged is copied from it to a new file, and checked.
"""

import asyncio
import contextlib
import os
import secrets
import stat as modes
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, ParamSpec, Self, TypeVar

from moorage import failpoints
from moorage.errors import BlobDamaged, Problem, StorageUnavailable
from moorage.ids import UploadId
from moorage.oci.digest import Digest, Hasher
from moorage.settings import Settings
from moorage.storage import keys
from moorage.storage.base import LocalFile, Progress, Stat
from moorage.storage.body_writer import Lane, pour, settle, take_small
from moorage.storage.files import (
    File,
    aside,
    copy_bytes,
    driver_note,
    file_name,
    has_size,
    is_aside,
    lost,
    move_file,
    remove_file,
    remove_files,
    remove_folder,
    stat_file,
    take_entries,
    translate,
    translated,
    walk_files,
)
from moorage.storage.syscalls import Disk

P = ParamSpec("P")
T = TypeVar("T")

_PIECE_BYTES = 1024 * 1024
_WRITE_BACK_BYTES = 8 * 1024 * 1024  # how much is written between two hints to bring it to the disk
_WALK_BATCH = 1000
_THREADS = 32
_TEMPORARY_SECONDS = 24 * 3600


class Filesystem:
    """Keeps every object in a file below one folder. See `Storage` for what the methods promise."""

    kind: ClassVar[str] = "filesystem"

    def __init__(self, root: Path, *, disk: Disk | None = None) -> None:
        """Take a folder.

        Args:
            root: made with mode 0700 when it is not there. All of it has to be on one file system, because
                finishing an upload is a rename.
            disk: the system calls; tests pass their own.
        """
        self._root = root
        self._root_text = f"{root}/"
        self._uploads = root / "uploads"
        self._temporary = root / "temporary"
        self._disk = disk or Disk()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        self._durable_folders: set[Path] = set()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The driver for the folder that the settings name."""
        return cls(settings.storage_folder)

    async def open(self) -> None:
        """Make the folders, remove what interrupted `put` calls left a day ago, and check that a write works."""
        await self._run(self._open)
        await self.check()

    async def close(self) -> None:
        """End the threads."""
        await asyncio.to_thread(self._pool.shutdown)

    async def check(self) -> None:
        """Write, read back and delete a few bytes, durably."""
        await self._run(self._check)

    # -- objects

    async def put(self, key: str, pieces: AsyncIterator[bytes]) -> Stat:
        """Store an object by way of a temporary file and a rename."""
        keys.require_own_key(key)
        file = File(self._temporary / secrets.token_hex(16))
        try:
            await self._store(file, pieces, None, lambda: self._create(file), lambda: None)
            return await self._run(self._place_object, file.path, key)
        except BaseException:
            await self._run(self._discard, file)
            raise

    def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of an object, one piece read ahead."""
        return self._read(self.path(key), start, stop)

    async def stat(self, key: str) -> Stat | None:
        """Size and seal: inode, size, mtime and ctime.

        Asked for by every pull of a blob, so in the loop: it takes 2 microseconds, a hop to a thread fifty.
        """
        keys.require_key(key)
        try:
            return stat_file(f"{self._root_text}{key}")  # a `Path` would take longer to build than the look
        except OSError as error:  # a `with translated()` takes as long as the look, too
            raise translate(error) from error

    async def delete(self, key: str) -> None:
        """Remove a file, and its folder when that was the blob's last incarnation."""
        keys.require_key(key)
        await self._run(remove_file, self._disk, self._root, key)

    async def delete_many(self, wanted: Sequence[str]) -> dict[str, Problem]:
        """Remove several in one thread: the way there and back takes longer than to remove one."""
        any(map(keys.require_key, wanted))
        return await self._run(remove_files, self._disk, self._root, wanted)

    async def walk(self) -> AsyncIterator[tuple[str, int]]:
        """All files but uploads and temporary ones, a thousand at a time."""
        found = walk_files(self._root, "")
        while batch := await self._run(take_entries, found, _WALK_BATCH):
            for entry in batch:
                yield entry

    # -- serving

    def path(self, key: str) -> Path:
        """The file that holds the object."""
        keys.require_key(key)
        return self._root / key

    async def url(self, key: str, ttl_seconds: int) -> None:
        """None: files have no URL."""
        del key, ttl_seconds

    # -- uploads

    def place(self, digest: Digest, upload: UploadId, progress: Progress, *, first: bool) -> str:
        """The distribution registry's place for the first incarnation, a suffix for every later one."""
        del progress
        return keys.place_in_folders(digest, upload, first=first)

    async def start(self, upload: UploadId) -> Progress:
        """Nothing: the folder is made with the first byte, so that a cancelled upload costs the disk nothing."""
        keys.require_upload(upload)
        return Progress()

    async def append(
        self,
        upload: UploadId,
        progress: Progress,
        pieces: AsyncIterator[bytes],
        hasher: Hasher | None,
        *,
        takeover: bool,
    ) -> Progress:
        """Write at the offset, in a new file when the old one may still be written to by somebody else."""
        keys.require_upload(upload)
        file = File(self._uploads / upload / file_name(progress))
        file.offset = progress.size_bytes

        def begin() -> None:
            self._begin(file, progress, hasher, takeover=takeover)

        def name() -> None:
            if progress.size_bytes == 0 or driver_note(file.path) != progress.driver:
                self._disk.fsync_dir(file.path.parent)
            if progress.size_bytes == 0:
                self._disk.fsync_dir(self._uploads)

        await self._store(file, pieces, hasher, begin, name)
        return Progress(
            size_bytes=file.offset, hash_state=hasher.state() if hasher else b"", driver=driver_note(file.path)
        )

    async def adopt(self, upload: UploadId, file: LocalFile) -> Progress | None:
        """Rename the file, where it lies on the same file system."""
        keys.require_upload(upload)
        return await self._run(self._adopt, upload, file)

    def read_upload(self, upload: UploadId, progress: Progress) -> AsyncIterator[bytes]:
        """The durable bytes of an upload."""
        keys.require_upload(upload)
        return self._read_upload(self._uploads / upload / file_name(progress), progress.size_bytes)

    async def finish(self, upload: UploadId, progress: Progress, key: str) -> Stat:
        """Rename the upload's file to its place."""
        keys.require_upload(upload)
        keys.require_key(key)
        return await self._run(self._finish, upload, progress, key)

    async def abort(self, upload: UploadId, progress: Progress) -> None:
        """Remove the upload's folder."""
        del progress
        keys.require_upload(upload)
        await self._run(remove_folder, self._disk, self._uploads / upload)

    async def uploads(self) -> AsyncIterator[UploadId]:
        """The folders below `uploads`."""
        for name in await self._run(lambda: [path.name for path in self._uploads.iterdir()]):
            if keys.is_upload(name):
                yield UploadId(name)

    # -- in threads -----------------------------------------------------------------------------------------

    async def _run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call it in a thread, to its end even when this task is cancelled; system errors become our own."""
        with translated():
            loop = asyncio.get_running_loop()
            return await settle(loop.run_in_executor(self._pool, lambda: call(*args, **kwargs)))

    def _open(self) -> None:
        for folder in [*reversed(self._root.parents), self._root]:
            if not folder.exists():
                self._disk.mkdir(folder)
                self._disk.fsync_dir(folder.parent)
        for folder in (self._uploads, self._temporary):
            self._disk.mkdir(folder)
        self._disk.fsync_dir(self._root)
        blobs = self._root / keys.BLOBS
        if blobs.exists() and blobs.stat().st_dev != self._uploads.stat().st_dev:
            msg = "uploads and blobs have to lie on one file system: finishing an upload is a rename"
            raise StorageUnavailable(msg)
        for left in self._temporary.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - _TEMPORARY_SECONDS:
                    self._disk.unlink(left)

    def _check(self) -> None:
        file = File(self._temporary / f"check-{secrets.token_hex(16)}")
        said = secrets.token_bytes(16)
        try:
            self._create(file)
            self._disk.write(file.fd, said, 0)
            self._disk.fsync(file.fd)
            self._disk.fsync_dir(self._temporary)
            if self._disk.read(file.fd, len(said), 0) != said:
                msg = "what was written does not read back"
                raise StorageUnavailable(msg)
        finally:
            self._discard(file)

    async def _store(
        self,
        file: File,
        pieces: AsyncIterator[bytes],
        hasher: Hasher | None,
        begin: Callable[[], None],
        name: Callable[[], None],
    ) -> None:
        """Open with `begin`, write `pieces` at the file's offset, hash them, sync, make the `name` durable, close.

        A failure before the sync leaves a tail that nobody counts; a failing sync puts the file aside, or removes it
        when nothing in it was acknowledged.
        """
        pieces = aiter(pieces)
        head, whole = await take_small(pieces)

        def store_small() -> None:
            try:
                begin()
                if hasher is not None:
                    hasher.update(head)
                if head:
                    self._write(file, head)
                self._sync(file, name)
            finally:
                self._close(file)

        def write(batch: bytes) -> None:
            with translated():
                self._write(file, batch)

        if whole:
            await self._run(store_small)
            return
        try:
            await self._run(begin)
            lanes = [Lane(self._pool, write)]
            if hasher is not None:
                lanes.append(Lane(self._pool, hasher.update))
            await pour(head, pieces, lanes)
            await self._run(self._sync, file, name)
        finally:
            await self._run(self._close, file)

    def _write(self, file: File, data: bytes) -> None:
        self._disk.write(file.fd, data, file.offset)
        file.offset += len(data)
        if file.offset - file.written_back >= _WRITE_BACK_BYTES:
            self._disk.write_back(file.fd, file.written_back, file.offset - file.written_back)
            file.written_back = file.offset
        failpoints.point("append.piece")

    def _sync(self, file: File, name: Callable[[], None]) -> None:
        failpoints.point("append.written")
        try:
            self._disk.fsync(file.fd)
            name()
        except OSError:
            with contextlib.suppress(OSError):
                if file.acknowledged:
                    self._disk.rename(file.path, aside(file.path))
                else:
                    self._disk.unlink(file.path)
            raise

    def _close(self, file: File) -> None:
        if file.fd >= 0:
            fd, file.fd = file.fd, -1
            self._disk.close(fd)

    def _discard(self, file: File) -> None:
        self._close(file)
        with contextlib.suppress(FileNotFoundError):
            self._disk.unlink(file.path)

    def _create(self, file: File) -> None:
        file.fd = self._disk.create(file.path, exclusive=True)

    # -- uploads, in threads

    def _begin(self, file: File, progress: Progress, hasher: Hasher | None, *, takeover: bool) -> None:
        """Open the upload's file so that exactly `progress.size_bytes` bytes are in it and in the hasher."""
        size = progress.size_bytes
        if hasher is not None and hasher.size_bytes not in {0, size}:
            msg = f"the hash stands at {hasher.size_bytes}, the upload at {size}"
            raise ValueError(msg)
        behind = hasher if hasher is not None and hasher.size_bytes < size else None
        if size == 0:
            self._disk.mkdir(file.path.parent)
        if size and is_aside(file.path):
            self._salvage(file, progress, hasher, behind)
            return
        if takeover:
            self._take_over(file, progress, behind)
            return
        file.fd = self._disk.create(file.path, exclusive=False) if size == 0 else self._open_upload(file.path)
        file.acknowledged = size > 0
        found = os.fstat(file.fd).st_size
        if found < size:
            raise lost()
        if found > size:
            self._disk.truncate(file.fd, size)
        if behind is not None:
            copy_bytes(self._disk, file.fd, size, behind.update)

    def _adopt(self, upload: UploadId, file: LocalFile) -> Progress | None:
        target = self._uploads / upload / file_name(Progress())
        if not move_file(self._disk, file, target):
            return None
        failpoints.point("append.written")
        try:
            self._disk.fsync(file.descriptor)
            self._disk.fsync_dir(target.parent)
            self._disk.fsync_dir(self._uploads)
            self._disk.fsync_dir(file.path.parent)  # or somebody finds it there after a power cut, and writes to it
        except OSError:
            remove_folder(self._disk, target.parent)
            raise
        return Progress(size_bytes=file.hasher.size_bytes, hash_state=file.hasher.state())

    def _take_over(self, file: File, progress: Progress, behind: Hasher | None) -> None:
        """Copy the durable bytes to a file that only this call has ever opened."""
        source = self._open_acknowledged(file.path) if progress.size_bytes else -1
        try:
            generation = int(progress.driver or 0)
            while file.fd < 0:
                # Two who take over at once find the same number in the row: the file system says who has it.
                generation += 1
                file.path = file.path.with_name(f"data.{generation}")
                with contextlib.suppress(FileExistsError):
                    file.fd = self._disk.create(file.path, exclusive=True)
            file.offset = 0

            def take(piece: bytes) -> None:
                if behind is not None:
                    behind.update(piece)
                self._write(file, piece)

            if source >= 0:
                copy_bytes(self._disk, source, progress.size_bytes, take)
        finally:
            if source >= 0:
                self._disk.close(source)

    def _salvage(self, file: File, progress: Progress, hasher: Hasher | None, behind: Hasher | None) -> None:
        """Copy what was acknowledged out of a file put aside, and see that it is what was hashed at that time.

        The page in which the acknowledged bytes end was written to again by the append that failed: the file's own
        bytes of it are only believed because of the hash. Where none was kept, the digest of the closing PUT judges.
        """
        check = behind
        if check is None and hasher is not None:
            check = Hasher(hasher.algorithm)
        self._take_over(file, progress, check)
        if hasher is not None and check is not behind and check is not None and check.digest() != hasher.digest():
            self._discard(file)
            raise lost()

    def _open_upload(self, path: Path) -> int:
        try:
            return self._disk.open(path, write=True)
        except FileNotFoundError:
            raise lost() from None

    def _open_acknowledged(self, path: Path) -> int:
        """Open an upload's file to copy from it, also when it was put aside."""
        try:
            return self._disk.open(aside(path) if is_aside(path) else path)
        except FileNotFoundError:
            raise lost() from None

    def _finish(self, upload: UploadId, progress: Progress, key: str) -> Stat:
        folder = self._uploads / upload
        file = File(folder / file_name(progress))
        target = self._root / key
        size = progress.size_bytes
        found = stat_file(file.path)
        set_aside = size > 0 and is_aside(file.path)
        if found is None and not set_aside and has_size(target, size):
            # An earlier call came so far, and its reply was lost; its syncs may have been lost as well.
            return self._settle_name(target, folder, again=True)
        if found is None and not set_aside and size:
            raise lost()
        if found is None or found.size_bytes != size:
            # A blob of no bytes that were never appended, a tail of an attempt that failed, or a file put aside.
            digest = keys.find_digest(key)
            check = Hasher(digest.algorithm) if digest is not None and set_aside else None
            try:
                self._begin(file, progress, check, takeover=False)
                if check is not None and check.digest() != digest:
                    self._discard(file)
                    raise lost()
                self._sync(file, lambda: None)
            finally:
                self._close(file)
        return self._place(file.path, key)

    def _place_object(self, source: Path, key: str) -> Stat:
        """What `_place` does, for a key that no other call settles: a failing sync takes the name back."""
        try:
            return self._place(source, key)
        except OSError:
            if not source.exists():
                with contextlib.suppress(OSError):
                    self._disk.unlink(self._root / key)
            raise

    def _place(self, source: Path, key: str) -> Stat:
        """Rename a synced file to its key, and make that durable."""
        target = self._root / key
        for attempts_left in reversed(range(10)):
            try:
                self._make_folders(target.parent)
                self._disk.rename(source, target)
                break
            except FileNotFoundError:
                # A delete of another incarnation removed the empty folder just now, or somebody tidied up by hand.
                if not attempts_left or not source.exists():
                    raise
                self._durable_folders.clear()
        failpoints.point("commit.renamed")
        return self._settle_name(target, source.parent)

    def _settle_name(self, target: Path, left: Path, *, again: bool = False) -> Stat:
        """Make a rename durable at both ends.

        When that fails the name stays. It is promised to nobody, and it must not be taken back here: while this call
        was frozen, another may have settled the same name and made it live.

        Args:
            again: an earlier call made the rename. A sync of its folders may have failed, and would answer "fine"
                now; so each is written to once more, and the sync is asked for that.
        """
        self._sync_folder(target.parent, again=again)
        self._sync_parents(target.parent, again=again)
        with contextlib.suppress(FileNotFoundError):
            self._sync_folder(left, again=again)
        if left.parent == self._uploads:
            remove_folder(self._disk, left)
        found = stat_file(target)
        if found is None:
            raise lost()
        return found

    def _sync_folder(self, folder: Path, *, again: bool) -> None:
        if again:
            change = folder / f"again-{secrets.token_hex(8)}"
            self._disk.mkdir(change)
            self._disk.rmdir(change)
        self._disk.fsync_dir(folder)

    def _make_folders(self, folder: Path) -> None:
        if folder == self._root or folder in self._durable_folders:
            return
        try:
            self._disk.mkdir(folder)
        except FileNotFoundError:
            self._make_folders(folder.parent)
            self._disk.mkdir(folder)

    def _sync_parents(self, folder: Path, *, again: bool) -> None:
        """Make the folders on the way to `folder` durable, each in its parent.

        Whoever made them: another request may have made one a moment ago and not synced it yet. Those that are
        never removed are synced once per process and remembered (at most 520: the two digits of a digest).
        """
        blobs = self._root / keys.BLOBS
        while folder != self._root and folder not in self._durable_folders:
            self._sync_folder(folder.parent, again=again)
            if blobs.is_relative_to(folder) or blobs in (folder.parent, folder.parent.parent):
                self._durable_folders.add(folder)
            folder = folder.parent

    # -- objects, in threads

    async def _read_upload(self, path: Path, size: int) -> AsyncIterator[bytes]:
        if size and await self._run(is_aside, path):
            path = aside(path)
        pieces = self._read(path, 0, size)
        try:
            async for piece in pieces:
                yield piece
        except BlobDamaged:
            raise lost() from None
        finally:
            await pieces.aclose()

    async def _read(self, path: Path, start: int, stop: int | None) -> AsyncGenerator[bytes, None]:
        """Read in a thread, one piece ahead of the one that is being sent."""
        if start < 0 or (stop is not None and stop < start):
            raise ValueError(f"no range: {start} to {stop}")
        if stop == 0:
            return
        file = File(path)
        file.offset = start
        ahead: asyncio.Future[bytes] | None = None
        try:
            end, data = await self._run(self._read_first, file, stop)
            while data:
                if file.fd >= 0:
                    ahead = asyncio.get_running_loop().run_in_executor(self._pool, self._read_next, file, end)
                yield data
                if ahead is None:
                    return
                with translated():
                    data = await settle(ahead)
                ahead = None
        finally:
            if ahead is not None:
                with contextlib.suppress(OSError, BlobDamaged):
                    await settle(ahead)
            if file.fd >= 0:
                # Not here: closing the last descriptor of a large deleted file takes its time.
                self._pool.submit(self._close, file)

    def _read_first(self, file: File, stop: int | None) -> tuple[int, bytes]:
        """Open the file, and read the first piece. Returns where to stop, and the piece."""
        try:
            file.fd = self._disk.open(file.path)
        except (FileNotFoundError, NotADirectoryError):
            raise BlobDamaged from None
        found = os.fstat(file.fd)
        end = found.st_size if stop is None else stop
        if found.st_size < max(end, file.offset) or not modes.S_ISREG(found.st_mode):
            raise BlobDamaged
        return end, self._read_next(file, end)

    def _read_next(self, file: File, end: int) -> bytes:
        """Read the next piece; close the file after the last."""
        data = self._disk.read(file.fd, min(_PIECE_BYTES, end - file.offset), file.offset)
        file.offset += len(data)
        if file.offset == end:
            self._close(file)
        elif not data:
            raise BlobDamaged
        return data


DRIVER = Filesystem

"""System calls of the filesystem driver, in one place where tests can replace them.

A test passes a `Disk` of its own that records what was done, fails on command, or forgets what was never
synced, the way a power cut does.
"""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)

# sync_file_range(2) with SYNC_FILE_RANGE_WRITE: begin to write back, do not wait. Linux only; elsewhere no hint.
_SYNC_FILE_RANGE_WRITE = 2
_sync_file_range: Callable[[int, int, int, int], int] | None = getattr(ctypes.CDLL(None), "sync_file_range", None)
if _sync_file_range is not None:
    _sync_file_range.argtypes = (  # type: ignore[attr-defined] # a ctypes function
        ctypes.c_int,
        ctypes.c_int64,
        ctypes.c_int64,
        ctypes.c_uint,
    )


class Disk:
    """What the driver asks of the operating system. Every method may raise OSError."""

    def create(self, path: Path, *, exclusive: bool) -> int:
        """Open a file to read and write, made if it is not there. `exclusive`: it must not be there."""
        flags = os.O_RDWR | os.O_CREAT | _NO_LINKS | (os.O_EXCL if exclusive else 0)
        return os.open(path, flags, _FILE_MODE)

    def open(self, path: Path, *, write: bool = False) -> int:
        """Open a file that is there."""
        return os.open(path, (os.O_RDWR if write else os.O_RDONLY) | _NO_LINKS)

    def close(self, fd: int) -> None:
        """Close a file."""
        os.close(fd)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """At most `size` bytes at `offset`; fewer only at the end of the file."""
        first = os.pread(fd, size, offset)
        if len(first) == size or not first:
            return first
        parts = [first]
        while first and size > (got := sum(map(len, parts))):
            first = os.pread(fd, size - got, offset + got)
            parts.append(first)
        return b"".join(parts)

    def write(self, fd: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`."""
        written = os.pwrite(fd, data, offset)
        while written < len(data):
            written += os.pwrite(fd, memoryview(data)[written:], offset + written)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file off at `size` bytes."""
        os.ftruncate(fd, size)

    def write_back(self, fd: int, offset: int, size: int) -> None:
        """A hint: begin to bring these bytes to the disk, so that the `fsync` at the end is short."""
        if _sync_file_range is not None:
            _sync_file_range(fd, offset, size, _SYNC_FILE_RANGE_WRITE)

    def fsync(self, fd: int) -> None:
        """Return once the file's bytes and size are durable."""
        os.fsync(fd)

    def fsync_dir(self, path: Path) -> None:
        """Return once the folder's entries are durable."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name; what had that name is replaced."""
        source.rename(target)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        path.unlink()

    def mkdir(self, path: Path) -> bool:
        """Make a folder; False when it is there already."""
        try:
            path.mkdir(_FOLDER_MODE)
        except FileExistsError:
            return False
        return True

    def rmdir(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

"""The pieces that the file system driver is made of: a file being written, its names, its errors, the walk."""

import contextlib
import errno
import os
import stat as modes
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from moorage.errors import Problem, StorageFull, StorageUnavailable, UploadUnknown
from moorage.storage.base import LocalFile, Progress, Stat
from moorage.storage.keys import BLOBS
from moorage.storage.syscalls import Disk

_PIECE_BYTES = 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class File:
    """A file being written: where it is, its descriptor (-1: not open), and how far it has come.

    Attributes:
        acknowledged: it holds bytes that were synced by an earlier call and promised to a client.
    """

    __slots__ = ("acknowledged", "fd", "offset", "path", "written_back")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = -1
        self.acknowledged = False
        self.offset = 0
        self.written_back = 0


def file_name(progress: Progress) -> str:
    """The name of an upload's file: `data`, or `data.N` after its N-th takeover."""
    return f"data.{int(progress.driver)}" if progress.driver else "data"


def aside(path: Path) -> Path:
    """The name of an upload's file after a sync of it failed. No row ever names it."""
    return path.with_name(f"{path.name}-unsynced")


def driver_note(path: Path) -> str:
    """What the row keeps of a file's name: the N of `data.N`."""
    return path.suffix[1:]


def move_file(disk: Disk, file: LocalFile, target: Path) -> bool:
    """Give a file a name in an upload's folder, which is made; False: it lies on another file system."""
    size = os.fstat(file.descriptor).st_size
    if size != file.hasher.size_bytes:
        raise ValueError(f"the hash stands at {file.hasher.size_bytes}, the file ends at {size}")
    disk.mkdir(target.parent)
    try:
        disk.rename(file.path, target)
    except OSError as error:
        remove_folder(disk, target.parent)
        if error.errno == errno.EXDEV:
            return False
        raise
    return True


def is_aside(path: Path) -> bool:
    """Whether a sync of this upload's file failed, so that it was put aside."""
    return stat_file(path) is None and stat_file(aside(path)) is not None


def copy_bytes(disk: Disk, fd: int, size: int, take: Callable[[bytes], None]) -> None:
    """Hand the first `size` bytes of an upload's file on."""
    offset = 0
    while offset < size:
        piece = disk.read(fd, min(_PIECE_BYTES, size - offset), offset)
        if not piece:
            raise lost()
        take(piece)
        offset += len(piece)


def remove_file(disk: Disk, root: Path, key: str) -> None:
    """Remove a file, and its folder when that was the blob's last incarnation."""
    path = root / key
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        disk.unlink(path)
    if key.startswith(f"{BLOBS}/"):
        with contextlib.suppress(OSError):
            disk.rmdir(path.parent)


def remove_files(disk: Disk, root: Path, wanted: Sequence[str]) -> dict[str, Problem]:
    """`remove_file` for each; why, for each that could not be."""
    failed: dict[str, Problem] = {}
    for key in wanted:
        try:
            remove_file(disk, root, key)
        except OSError as error:
            failed[key] = translate(error)
    return failed


def remove_folder(disk: Disk, folder: Path) -> None:
    """Remove the folder of an upload with what is in it, unless somebody writes a file to it meanwhile."""
    try:
        for path in list(folder.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                disk.unlink(path)
        disk.rmdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise


def lost() -> UploadUnknown:
    """What is said when an upload's bytes are gone."""
    return UploadUnknown("the bytes of this upload are not there any more; begin a new one")


def take_entries(found: Iterator[tuple[str, int]], count: int) -> list[tuple[str, int]]:
    """At most `count` entries."""
    return [entry for _, entry in zip(range(count), found, strict=False)]


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """System errors become `StorageFull` or `StorageUnavailable`; the path stays out of what clients see."""
    try:
        yield
    except OSError as error:
        raise translate(error) from error


def translate(error: OSError) -> StorageFull | StorageUnavailable:
    """Our own error for one of the system."""
    if error.errno in _FULL:
        return StorageFull()
    return StorageUnavailable(error=errno.errorcode.get(error.errno or 0, ""))


def walk_files(folder: Path, prefix: str) -> Iterator[tuple[str, int]]:
    """Files below `folder` in byte order of their keys: a folder counts as its name with a slash."""
    found: list[tuple[str, os.DirEntry[str]]] = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        found = [(entry.name + "/" * entry.is_dir(follow_symlinks=False), entry) for entry in entries]
    for name, entry in sorted(found, key=lambda pair: os.fsencode(pair[0])):
        if not prefix and name in {"uploads/", "temporary/"}:
            continue
        if name.endswith("/"):
            yield from walk_files(folder / entry.name, prefix + name)
        elif entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):
                yield prefix + name, entry.stat(follow_symlinks=False).st_size


def stat_file(path: Path | str) -> Stat | None:
    """Size and seal of a file; None when there is none, or something else."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not modes.S_ISREG(found.st_mode):
        return None
    return Stat(found.st_size, f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ctime_ns:x}")


def has_size(path: Path, size: int) -> bool:
    """Whether a file is there and has this size in bytes."""
    found = stat_file(path)
    return found is not None and found.size_bytes == size

"""A disk that knows what a power cut would leave of it.

POSIX promises little: what was written is there after `fsync` of the file, a name after `fsync` of its folder, and
of what was not synced any part may be there or not. `PowerDisk` does everything for real and keeps the model of it
beside; after every operation it looks at several outcomes of a cut at this moment and notes each broken promise.
"""

import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from moorage.storage.syscalls import Disk

Outcome = dict[str, bytes]
"""Path below the root of the model: content."""

Promise = Callable[[Outcome], str]
"""Says what is wrong with an outcome; empty when nothing is."""


@dataclass(eq=False)
class File:
    """A file as the running system sees it, and as the disk has it for certain.

    Attributes:
        now: the content.
        durable: the content when it was synced last.
        touched_from: bytes from here on were written or cut off since.
    """

    now: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    touched_from: int | None = 0

    def touch(self, offset: int) -> None:
        """Note a change."""
        self.touched_from = offset if self.touched_from is None else min(offset, self.touched_from)

    def after_cut(self, choose: Callable[[], bool]) -> bytes:
        """What a cut may leave: the size may have come and the bytes not, the worst that delayed allocation does."""
        if self.touched_from is None or not choose():
            return self.durable
        certain = self.durable[: self.touched_from]
        return certain + bytes(max(0, len(self.now) - len(certain)))


@dataclass(eq=False)
class Folder:
    """A folder: its entries now, those on the disk for certain, and the changes in between."""

    now: "dict[str, File | Folder]" = field(default_factory=dict)
    durable: "dict[str, File | Folder]" = field(default_factory=dict)
    pending: "list[tuple[str, File | Folder | None]]" = field(default_factory=list)

    def change(self, name: str, node: "File | Folder | None") -> None:
        """Add, replace or remove an entry."""
        self.pending.append((name, node))
        if node is None:
            del self.now[name]
        else:
            self.now[name] = node


class PowerDisk(Disk):
    """A real disk with a model beside it.

    Attributes:
        broken: what went wrong in some outcome, each with the operation after which the power was cut.
    """

    def __init__(self, root: Path, seed: int = 0, outcomes: int = 6) -> None:
        self.broken: list[str] = []
        self._root = root
        self._top = Folder()
        self._open: dict[int, File] = {}
        self._promises: list[Promise] = []
        self._random = random.Random(seed)
        self._outcomes = outcomes
        self._lock = threading.RLock()

    def promise(self, promise: Promise) -> None:
        """From now on this holds, wherever the power is cut."""
        with self._lock:
            self._promises.append(promise)
            self._cut("the promise itself")

    def release(self, promise: Promise) -> None:
        """It was promised until now."""
        with self._lock:
            self._promises.remove(promise)

    # -- what a cut leaves

    def outcome(self, choose: Callable[[], bool] | bool) -> Outcome:
        """The files after a cut: each change that was not synced is there, or not, as `choose` says."""
        chosen = choose if callable(choose) else lambda: choose
        found: Outcome = {}

        def visit(folder: Folder, prefix: str) -> None:
            entries = dict(folder.durable)
            for name, node in folder.pending:
                if not chosen():
                    continue
                if node is None:
                    entries.pop(name, None)
                else:
                    entries[name] = node
            for name, node in entries.items():
                if isinstance(node, Folder):
                    visit(node, f"{prefix}{name}/")
                else:
                    found[prefix + name] = node.after_cut(chosen)

        visit(self._top, "")
        return found

    def _cut(self, after: str) -> None:
        ways: list[Callable[[], bool] | bool] = [False, True]
        ways += [lambda: self._random.random() < 0.5] * self._outcomes
        for way in ways:
            found = self.outcome(way)
            for promise in self._promises:
                if wrong := promise(found):
                    self.broken.append(f"after {after}: {wrong}")

    # -- the operations

    def create(self, path: Path, *, exclusive: bool) -> int:
        with self._lock:
            fd = super().create(path, exclusive=exclusive)
            folder = self._folder(path.parent)
            if path.name not in folder.now:
                folder.change(path.name, File())
            self._open[fd] = self._file(path)
            self._cut(f"create {path.name}")
            return fd

    def open(self, path: Path, *, write: bool = False) -> int:
        with self._lock:
            fd = super().open(path, write=write)
            self._open[fd] = self._file(path)
            return fd

    def close(self, fd: int) -> None:
        with self._lock:
            self._open.pop(fd)
            super().close(fd)

    def write(self, fd: int, data: bytes, offset: int) -> None:
        with self._lock:
            super().write(fd, data, offset)
            file = self._open[fd]
            file.now[offset : offset + len(data)] = data
            file.touch(offset)
            self._cut("write")

    def truncate(self, fd: int, size: int) -> None:
        with self._lock:
            super().truncate(fd, size)
            file = self._open[fd]
            del file.now[size:]
            file.touch(size)
            self._cut("truncate")

    def fsync(self, fd: int) -> None:
        with self._lock:
            super().fsync(fd)
            file = self._open[fd]
            file.durable, file.touched_from = bytes(file.now), None
            self._cut("fsync")

    def fsync_dir(self, path: Path) -> None:
        with self._lock:
            super().fsync_dir(path)
            folder = self._folder(path)
            folder.durable = dict(folder.now)
            folder.pending.clear()
            self._cut(f"fsync_dir {path.name}")

    def rename(self, source: Path, target: Path) -> None:
        with self._lock:
            super().rename(source, target)
            self._folder(target.parent).change(target.name, self._file(source))
            self._folder(source.parent).change(source.name, None)
            self._cut(f"rename to {target.name}")

    def unlink(self, path: Path) -> None:
        with self._lock:
            super().unlink(path)
            self._folder(path.parent).change(path.name, None)
            self._cut(f"unlink {path.name}")

    def mkdir(self, path: Path) -> bool:
        with self._lock:
            made = super().mkdir(path)
            if made:
                self._folder(path.parent).change(path.name, Folder())
                self._cut(f"mkdir {path.name}")
            return made

    def rmdir(self, path: Path) -> None:
        with self._lock:
            super().rmdir(path)
            self._folder(path.parent).change(path.name, None)
            self._cut(f"rmdir {path.name}")

    # -- finding nodes

    def _folder(self, path: Path) -> Folder:
        node = self._top
        for name in path.relative_to(self._root).parts:
            found = node.now[name]
            assert isinstance(found, Folder), path
            node = found
        return node

    def _file(self, path: Path) -> File:
        found = self._folder(path.parent).now[path.name]
        assert isinstance(found, File), path
        return found


def rebuild(outcome: Outcome, root: Path) -> None:
    """Write an outcome to a real folder."""
    for name, content in outcome.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class FaultyDisk(Disk):
    """A disk of which one operation fails.

    Attributes:
        passed: how often each operation was asked for.
        since: the same, since the last `fail`.
    """

    def __init__(self, operation: str = "", number: int = 0, error: int = 0) -> None:
        self.passed: dict[str, int] = {}
        self.since: dict[str, int] = {}
        self._failing = operation, number
        self._error = error
        self._lock = threading.Lock()
        for name in ("create", "open", "read", "write", "truncate", "fsync", "fsync_dir", "rename", "mkdir"):
            setattr(self, name, self._guarded(name, getattr(self, name)))

    @property
    def has_failed(self) -> bool:
        """Whether the operation was reached."""
        operation, number = self._failing
        return self.passed.get(operation, 0) > number

    def fail(self, operation: str, error: int) -> None:
        """Let the next one of these operations fail."""
        with self._lock:
            self.since = {}
            self._failing = operation, self.passed.get(operation, 0)
            self._error = error

    def _guarded(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def guarded(*args: object, **kwargs: object) -> object:
            with self._lock:
                number = self.passed.get(name, 0)
                self.passed[name] = number + 1
                self.since[name] = self.since.get(name, 0) + 1
            if (name, number) == self._failing:
                raise OSError(self._error, os.strerror(self._error))
            return call(*args, **kwargs)

        return guarded


def list_open_files(below: Path) -> Iterator[str]:
    """What this process has open below a folder."""
    for fd in Path("/proc/self/fd").iterdir():
        try:
            target = fd.readlink()
        except OSError:
            continue
        if target.is_relative_to(below):
            yield str(target)

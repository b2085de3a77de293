"""What was acknowledged survives a power cut at any moment, and every sync of the driver is needed for that."""

import ast
import hashlib
import inspect
import types
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path, PurePosixPath

import pytest

from moorage.errors import StorageUnavailable
from moorage.ids import UploadId
from moorage.oci.digest import Hasher, compute
from moorage.storage import filesystem
from moorage.storage.base import LocalFile, Progress
from moorage.storage.filesystem import Filesystem
from moorage.storage.keys import BLOBS, find_digest
from moorage.testing.bodies import cut, gather, pieces
from tests.faults.power import FaultyDisk, Outcome, PowerDisk, Promise, rebuild

ONE, TWO = UploadId("1" * 32), UploadId("2" * 32)
LARGE = bytes(range(251)) * 2500  # 630 KB: hashed and written by threads
ROOT = "data/storage/"

Story = Callable[[Filesystem, PowerDisk], Awaitable[None]]


# -- promises ---------------------------------------------------------------------------------------------


def whole_blobs(found: Outcome) -> str:
    """A name of a blob leads to all of its bytes, or is not there."""
    for name, content in found.items():
        digest = find_digest(name.removeprefix(ROOT))
        if digest is not None and compute(content) != digest:
            return f"{name} does not hash to its name"
    return ""


def has(name: str, *contents: bytes) -> Promise:
    """There is an object with one of these contents."""

    def check(found: Outcome) -> str:
        content = found.get(ROOT + name)
        return "" if content in contents else f"{name} is {'missing' if content is None else 'another'}"

    return check


def begins(name: str, content: bytes) -> Promise:
    """The upload's file has at least these bytes."""

    def check(found: Outcome) -> str:
        return "" if found.get(ROOT + name, b"").startswith(content) else f"{name} lost acknowledged bytes"

    return check


def lacks(name: str) -> Promise:
    """The name is gone: whoever opened it again could write into a blob."""
    return lambda found: f"{name} is still there" if ROOT + name in found else ""


# -- stories ----------------------------------------------------------------------------------------------


async def upload(storage: Filesystem, disk: PowerDisk, name: UploadId, *bodies: bytes, takeover: bool = False) -> None:
    """An upload in several appends; every acknowledgement is a promise."""
    progress, hasher = await storage.start(name), Hasher()
    promises: list[Promise] = []
    for body in bodies:
        progress = await storage.append(name, progress, pieces(*cut(body, 200_000)), hasher, takeover=takeover)
        written = b"".join(bodies)[: progress.size_bytes]
        promises.append(begins(file_of(name, progress), written))
        disk.promise(promises[-1])
    # A rename that was not synced leaves the old name, the new one, or none: nobody was told yet that it is done.
    for promise in promises:
        disk.release(promise)
    key = storage.place(hasher.digest(), name, progress, first=True)
    await storage.finish(name, progress, key)
    disk.promise(has(key, b"".join(bodies)))
    disk.promise(lacks(file_of(name, progress)))
    await storage.abort(name, progress)


def file_of(name: UploadId, progress: Progress) -> str:
    """Where the file system driver keeps an upload."""
    return f"uploads/{name}/data" + (f".{progress.driver}" if progress.driver else "")


async def a_small_blob(storage: Filesystem, disk: PowerDisk) -> None:
    await upload(storage, disk, ONE, b"moorage")


async def a_large_blob(storage: Filesystem, disk: PowerDisk) -> None:
    await upload(storage, disk, ONE, LARGE)


async def chunks(storage: Filesystem, disk: PowerDisk) -> None:
    await upload(storage, disk, ONE, b"first", LARGE, b"last")


async def a_blob_without_bytes(storage: Filesystem, disk: PowerDisk) -> None:
    await upload(storage, disk, ONE)


async def takeovers(storage: Filesystem, disk: PowerDisk) -> None:
    await upload(storage, disk, ONE, b"first", LARGE, b"last", takeover=True)


async def a_tail_that_failed(storage: Filesystem, disk: PowerDisk) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"tail of an attempt that failed"
        yield LARGE
        raise ConnectionResetError

    hasher = Hasher()
    progress = await storage.append(ONE, await storage.start(ONE), pieces(b"kept"), hasher, takeover=False)
    promise = begins(file_of(ONE, progress), b"kept")
    disk.promise(promise)
    with pytest.raises(ConnectionResetError):
        await storage.append(ONE, progress, breaking(), None, takeover=False)
    disk.release(promise)
    key = storage.place(hasher.digest(), ONE, progress, first=True)
    await storage.finish(ONE, progress, key)
    disk.promise(has(key, b"kept"))


async def a_folder_that_somebody_else_made(storage: Filesystem, disk: PowerDisk) -> None:
    """Another process made the folders a moment ago, and has not synced them."""
    key = storage.place(compute(b"moorage"), ONE, Progress(), first=True)
    for folder in list(PurePosixPath(key).parents)[-2::-1]:
        disk.mkdir(storage.path(str(folder)))
    await upload(storage, disk, ONE, b"moorage")


async def two_blobs_of_one_folder(storage: Filesystem, disk: PowerDisk) -> None:
    second = next(b"%d" % number for number in range(10_000) if hashlib.sha256(b"%d" % number).digest()[0] == 0)
    first = next(b"x%d" % number for number in range(10_000) if hashlib.sha256(b"x%d" % number).digest()[0] == 0)
    await upload(storage, disk, ONE, first)
    disk._promises[:] = [whole_blobs]
    await storage.delete(storage.place(compute(first), ONE, Progress(), first=True))
    await upload(storage, disk, TWO, second)


async def a_file_that_was_at_hand(storage: Filesystem, disk: PowerDisk) -> None:
    """A proxy cache's: written beside the storage, and handed over."""
    folder = storage.path("x").parent.parent / "arrivals"
    disk.mkdir(folder)
    hasher, file = Hasher(), disk.create(folder / "blob", exclusive=True)
    disk.fsync_dir(folder)  # as when the system did it by itself
    disk.write(file, LARGE, 0)
    hasher.update(LARGE)
    progress = await storage.adopt(ONE, LocalFile(folder / "blob", file, hasher))
    assert progress is not None
    promise = begins(file_of(ONE, progress), LARGE)
    disk.promise(promise)
    disk.promise(lambda found: "the file can be written to" if "data/arrivals/blob" in found else "")
    disk.close(file)
    disk.release(promise)
    key = storage.place(compute(LARGE), ONE, progress, first=True)
    await storage.finish(ONE, progress, key)
    disk.promise(has(key, LARGE))


async def objects(storage: Filesystem, disk: PowerDisk) -> None:
    await storage.put("a/b/c", pieces(b"old"))
    disk.promise(has("a/b/c", b"old", LARGE))
    disk.promise(lambda found: "a temporary name is still there" if list_temporary(found) and not putting else "")
    putting = True
    await storage.put("a/b/c", pieces(LARGE))
    putting = False
    disk.promise(has("a/b/c", LARGE))


def list_temporary(found: Outcome) -> list[str]:
    """The temporary files of an outcome."""
    return [name for name in found if name.startswith(f"{ROOT}temporary/") and "check-" not in name]


async def a_check(storage: Filesystem, disk: PowerDisk) -> None:
    """Nothing of a check stays, so a cut says nothing about its syncs: here they fail instead."""
    for operation in ("fsync", "fsync_dir"):
        faulty = type(storage)(storage.path("x").parent, disk=FaultyDisk(operation, 0, 5))
        try:
            await faulty.check()
            disk.broken.append(f"a check does not look at {operation}")
        except StorageUnavailable:
            pass
        finally:
            await faulty.close()


STORIES: list[Story] = [
    a_small_blob, a_large_blob, chunks, a_blob_without_bytes, takeovers, a_tail_that_failed,
    a_folder_that_somebody_else_made, two_blobs_of_one_folder, a_file_that_was_at_hand, objects,
    a_check,
]  # fmt: skip


async def tell(story: Story, driver: type[Filesystem], folder: Path, *, seed: int = 0, outcomes: int = 6) -> PowerDisk:
    """Run a story on a new disk."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - one folder, before anything runs
    disk = PowerDisk(folder, seed, outcomes)
    storage = driver(folder / ROOT, disk=disk)
    try:
        await storage.open()
        disk.promise(whole_blobs)
        await story(storage, disk)
    finally:
        await storage.close()
    return disk


# -- tests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_what_was_acknowledged_survives(story: Story, tmp_path: Path, *, deep: bool) -> None:
    for seed in range(50 if deep else 3):
        disk = await tell(story, Filesystem, tmp_path / str(seed), seed=seed)

        assert disk.broken == []


async def test_a_new_process_serves_what_a_cut_left(tmp_path: Path) -> None:
    disk = await tell(chunks, Filesystem, tmp_path / "before")
    rebuild(disk.outcome(choose=False), tmp_path / "after")
    storage = Filesystem(tmp_path / "after" / ROOT)
    await storage.open()
    body = b"first" + LARGE + b"last"

    walked = [entry async for entry in storage.walk()]
    served = await gather(storage.read(walked[0][0]))
    await storage.close()

    assert walked == [(f"{BLOBS}/sha256/{compute(body).hex[:2]}/{compute(body).hex}/data", len(body))]
    assert served == body


# -- every sync is needed


class Syncs(ast.NodeTransformer):
    """Finds the syncs of the driver's source, and takes out one."""

    def __init__(self, without: int = -1) -> None:
        self.found: list[int] = []
        self._without = without

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Attribute) and node.func.attr in {"fsync", "fsync_dir"}):
            return node
        self.found.append(node.lineno)
        return ast.copy_location(ast.Constant(None), node) if node.lineno == self._without else node


def find_syncs() -> list[int]:
    """The lines of the driver with a sync."""
    syncs = Syncs()
    syncs.visit(ast.parse(inspect.getsource(filesystem)))
    return syncs.found


def make_driver(without: int) -> type[Filesystem]:
    """The driver without the sync of one line."""
    tree = ast.fix_missing_locations(Syncs(without).visit(ast.parse(inspect.getsource(filesystem))))
    module = types.ModuleType("moorage.storage.filesystem")
    exec(compile(tree, f"filesystem without line {without}", "exec"), module.__dict__)  # noqa: S102 - our own source
    driver: type[Filesystem] = module.Filesystem
    return driver


def name_line(line: int) -> str:
    """A sync as its source says it."""
    return inspect.getsource(filesystem).splitlines()[line - 1].strip()


@pytest.mark.parametrize("line", find_syncs(), ids=name_line)
async def test_without_this_sync_something_is_lost(line: int, tmp_path: Path) -> None:
    driver = make_driver(line)

    for number, story in enumerate(STORIES):
        disk = await tell(story, driver, tmp_path / str(number), outcomes=2)
        if disk.broken:
            return

    pytest.fail(f"line {line} can go, and no story notices: {name_line(line)}")

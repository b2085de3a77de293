"""The power is cut right after each reply that acknowledges something: the rows, which the database keeps, are true.

What the driver alone promises is in test_power_cut.py. Here whole pushes run on a disk that knows what a cut leaves;
after each reply the folder is rebuilt from several outcomes, beside a copy of the database, and a server starts on it.
That the database itself keeps what it committed is its own promise (SQLite: WAL with synchronous=FULL; PostgreSQL:
synchronous_commit), so it is only looked at whether we ask for it.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.settings import Settings
from moorage.storage.base import Storage
from moorage.storage.filesystem import Filesystem
from moorage.wiring import open_database
from tests.faults.invariants import find_broken
from tests.faults.place import Place
from tests.faults.power import PowerDisk, rebuild
from tests.faults.registry import Answer, Body, Client
from tests.faults.stories import (
    AtOnce,
    Cancel,
    Chunk,
    Close,
    CloseKnown,
    CloseWithBody,
    DeleteBlob,
    DeleteManifest,
    DeleteTag,
    LongChunk,
    Manifest,
    Mount,
    Story,
    Whole,
)

STORIES = [
    Chunk, LongChunk, Close, CloseKnown, CloseWithBody, Whole, AtOnce, Mount, Manifest, DeleteTag, DeleteManifest,
    DeleteBlob, Cancel,
]  # fmt: skip
RANDOM, DEEP_RANDOM = 2, 40
"""Outcomes by chance at each cut, beside the one that loses everything unsynced and the one that loses nothing."""


class Cuts:
    """Cuts the power after each acknowledgement.

    Attributes:
        broken: what was lost, if anything was.
        count: outcomes looked at.
    """

    def __init__(self, place: Place, disk: PowerDisk, folder: Path, *, seed: int, outcomes: int) -> None:
        self.broken: list[str] = []
        self.count = 0
        self._place = place
        self._disk = disk
        self._folder = folder
        self._chance = random.Random(seed)
        self._outcomes = outcomes

    def after(self, client: Client) -> Client:
        """The same client, with a cut after each of its requests that changed something."""
        send = client.send

        async def cutting(method: str, path: str, headers: dict[str, str], body: Body) -> Answer:
            reply = await send(method, path, headers, body)
            if method not in {"GET", "HEAD"} and reply.status < 300:
                self._cut(f"{method} {path}: {reply.status}")
            return reply

        client.send = cutting
        return client

    def _cut(self, after: str) -> None:
        ways: list[Callable[[], bool] | bool] = [False, True]
        ways += [lambda: self._chance.random() < 0.5] * self._outcomes
        for way in ways:
            self.count += 1
            left = self.rebuild(way)
            self.broken += [f"after {after}: {line}" for line in find_lost(left)]

    def rebuild(self, way: Callable[[], bool] | bool) -> Place:
        """A place as the cut leaves it."""
        left = Place(self._folder / str(self.count), tokens=self._place.tokens)
        left.data.mkdir(parents=True, exist_ok=True)
        with (
            closing(sqlite3.connect(self._place.data / "moorage.db")) as source,
            closing(sqlite3.connect(left.data / "moorage.db")) as copy,
        ):
            source.backup(copy)
        left.storage.mkdir(exist_ok=True)
        rebuild(self._disk.outcome(way), left.data)
        (left.data / "keys").symlink_to(self._place.data / "keys")
        return left


async def play(
    story: Story, place: Place, disk: PowerDisk, monkeypatch: pytest.MonkeyPatch, *, seed: int, outcomes: int
) -> Cuts:
    """Tell a story on the disk, with a cut after every acknowledgement."""

    def open_storage(settings: Settings) -> Storage:
        return Filesystem(settings.storage_folder, disk=disk)

    cuts = Cuts(place, disk, place.data.with_name("cuts"), seed=seed, outcomes=outcomes)
    with monkeypatch.context() as patch:
        patch.setattr("moorage.app.open_storage", open_storage)
        async with place.open() as opened:
            client = cuts.after(opened)
            await story.prepare(client)
            reply = await story.act(client)
            assert reply.status < 300, reply
    return cuts


@pytest.mark.parametrize("tell_it", STORIES, ids=lambda story: story.name)
async def test_what_was_acknowledged_is_there_after_a_cut(
    sqlite_place: Place, tell_it: Callable[[], Story], monkeypatch: pytest.MonkeyPatch, seed: int, *, deep: bool
) -> None:
    story = tell_it()
    story.done = True
    disk = PowerDisk(sqlite_place.data, seed, outcomes=0)

    cuts = await play(story, sqlite_place, disk, monkeypatch, seed=seed, outcomes=DEEP_RANDOM if deep else RANDOM)

    assert cuts.count >= 16
    assert not cuts.broken, "\n".join(cuts.broken[:10])
    cuts.count += 1
    left = cuts.rebuild(way=False)
    async with left.open() as client:
        await story.look(client)
        await story.recover(client)
        await story.look_again(client)
    assert not list(find_lost(left))
    await asyncio.to_thread(left.sweep)


def find_lost(left: Place) -> Iterator[str]:
    """What does not hold after a cut.

    Removing an upload's bytes is not synced, so they may be back without a row; the sweep finds them, because it
    compares the uploads that have bytes with the rows.
    """
    return (line for line in find_broken(left.url, left.storage) if "belongs to no upload" not in line)


class NoFileSync(PowerDisk):
    """A disk on which syncing a file does nothing."""

    def fsync(self, fd: int) -> None:
        del fd


class NoFolderSync(PowerDisk):
    """A disk on which syncing a folder does nothing."""

    def fsync_dir(self, path: Path) -> None:
        del path


@pytest.mark.parametrize("kind", [NoFileSync, NoFolderSync])
async def test_without_syncs_acknowledged_bytes_are_lost(
    sqlite_place: Place, kind: type[PowerDisk], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    disk = kind(sqlite_place.data, seed, outcomes=0)

    cuts = await play(Close(), sqlite_place, disk, monkeypatch, seed=seed, outcomes=0)

    assert any("I1:" in line for line in cuts.broken), "no live blob was lost"
    assert any("I11:" in line for line in cuts.broken), "no upload lost acknowledged bytes"


# -- the database -----------------------------------------------------------------------------------------


def ask(place: Place, *statements: str) -> list[object]:
    """What the connection that writes answers."""
    database = open_database(place.settings)

    def story(work: Work) -> list[object]:
        return [work.db.exec_driver_sql(statement).scalar() for statement in statements]

    try:
        return database.run_here(SYSTEM, story)
    finally:
        database.engine.dispose()


def test_sqlite_is_asked_to_keep_what_it_commits(sqlite_place: Place) -> None:
    full = 2
    assert ask(sqlite_place, "PRAGMA journal_mode", "PRAGMA synchronous", "PRAGMA foreign_keys") == ["wal", full, 1]


@pytest.mark.part("postgres")
def test_postgresql_is_asked_to_keep_what_it_commits(postgres_place: Place) -> None:
    assert ask(postgres_place, "SHOW synchronous_commit", "SHOW transaction_isolation") == ["on", "read committed"]

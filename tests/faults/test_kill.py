"""SIGKILL at every point of `moorage.failpoints.POINTS`, and at random moments under load."""

import asyncio
import contextlib
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from moorage import failpoints
from tests.faults.life import Life, Nursery
from tests.faults.place import Place
from tests.faults.registry import Client, Cut, digest_of, image
from tests.faults.stories import CASES, DONE, HERE, ONCE, Story

KILLS, DEEP_KILLS = 5, 100
"""On each database."""
MOST_TOLD = 50
"""Acknowledgements before a kill, at most."""


REST = [case for case in CASES if case not in ONCE]
"""A deep run tells these on PostgreSQL, too."""


def test_every_point_has_a_story() -> None:
    """Those of collectors and jobs are in test_collector.py and test_killed_jobs.py: no request passes them."""
    points = {point for point in failpoints.POINTS if not point.startswith(("collect.", "job.", "webhook."))}
    assert {point.partition(":")[0] for _, point in CASES} == points
    assert len(ONCE) == len(points)


@pytest.mark.parametrize(("tell_it", "point"), CASES, ids=lambda value: getattr(value, "name", value))
async def test_killed_at(sqlite_place: Place, nursery: Nursery, tell_it: Callable[[], Story], point: str) -> None:
    await kill_at(sqlite_place, nursery, tell_it, point)


@pytest.mark.part("postgres")
@pytest.mark.parametrize(("tell_it", "point"), ONCE, ids=lambda value: getattr(value, "name", value))
async def test_killed_on_postgresql_at(
    postgres_place: Place, nursery: Nursery, tell_it: Callable[[], Story], point: str
) -> None:
    await kill_at(postgres_place, nursery, tell_it, point)


@pytest.mark.deep
@pytest.mark.part("postgres")
@pytest.mark.parametrize(("tell_it", "point"), REST, ids=lambda value: getattr(value, "name", value))
async def test_killed_on_postgresql_in_another_story_at(
    postgres_place: Place, nursery: Nursery, tell_it: Callable[[], Story], point: str
) -> None:
    await kill_at(postgres_place, nursery, tell_it, point)


async def kill_at(place: Place, nursery: Nursery, tell_it: Callable[[], Story], point: str) -> None:
    """Tell a story with a server that dies at a point of it."""
    name, _, count = point.partition(":")
    story = tell_it()
    story.storage = place.storage
    async with place.open() as client:
        await story.prepare(client)
    place.check(damaged=story.damaged)
    story.done = name in DONE

    life = Life(nursery, place, fault=f"{name}:kill:{count or 1}")
    async with place.visit(life.url) as client:
        with contextlib.suppress(Cut):
            await story.act(client)
    assert life.wait() == -signal.SIGKILL, f"{point} was never reached"
    place.check(damaged=story.still_damaged)

    async with place.open() as client:
        await story.look(client)
        await story.recover(client)
        await story.look_again(client)
    place.check()
    await asyncio.to_thread(place.sweep)
    async with place.open() as client:
        await story.look_again(client)


# -- random moments ---------------------------------------------------------------------------------------


@dataclass
class Pusher:
    """Somebody who pushes, moves and deletes a tag of their own, and remembers what they were told.

    Attributes:
        blobs: acknowledged.
        now: the manifest that the tag names for certain; None: there is no tag.
        perhaps: what the request in flight may have made of it.
        offset: bytes of the open upload that were acknowledged.
    """

    number: int
    chance: random.Random
    blobs: dict[str, bytes] = field(default_factory=dict)
    now: bytes | None = None
    perhaps: bytes | None = None
    location: str = ""
    data: bytes = b""
    offset: int = 0
    told: int = 0

    @property
    def tag(self) -> str:
        """Nobody else's."""
        return f"tag{self.number}"

    async def push(self, client: Client) -> None:
        """Until the connection breaks."""
        while True:
            layers = []
            for _ in range(2):
                data = self.chance.randbytes(self.chance.choice([10, 3_000, 400_000]))
                await self.upload(client, data)
                layers.append(data)
            await self.upload(client, b"{}")
            self.perhaps = image(*layers)
            assert (await client.put_manifest(HERE, self.tag, self.perhaps)).status == 201
            self.now = self.perhaps
            self.told += 1
            if self.chance.random() < 0.3:
                self.perhaps = None
                assert (await client.delete_manifest(HERE, self.tag)).status == 202
                self.now = None
                self.told += 1

    async def upload(self, client: Client, data: bytes) -> None:
        """In chunks."""
        self.location, self.data, self.offset = "", data, 0
        reply = await client.start(HERE)
        self.location = reply.location.partition("?")[0]
        while self.offset < len(data):
            size = self.chance.randint(2, len(data))
            reply = await client.patch(reply.location, data[self.offset : self.offset + size], at=self.offset)
            assert reply.status == 202
            self.offset = min(len(data), self.offset + size)
            self.told += 1
        assert (await client.close(reply.location, digest_of(data))).status == 201
        self.blobs[digest_of(data)] = data
        self.told += 1
        self.location = ""

    async def verify(self, client: Client) -> None:
        """Nothing that was acknowledged is lost, and the upload in flight goes on."""
        for digest, data in self.blobs.items():
            assert (await client.get_blob(HERE, digest)).body == data
        assert await client.pull(HERE, self.tag) in (self.now, self.perhaps)
        if not self.location:
            return
        reply = await client.ask("GET", self.location)
        if reply.status == 404:  # the closing PUT was committed
            assert (await client.get_blob(HERE, digest_of(self.data))).body == self.data
            return
        last = int(reply.headers["range"].partition("-")[2])
        have = last + 1 if last else 0
        assert have >= self.offset
        reply = await client.close(reply.location, digest_of(self.data), self.data[have:])
        assert reply.status == 201, reply
        assert (await client.get_blob(HERE, digest_of(self.data))).body == self.data


async def test_killed_at_random_moments(
    place: Place, nursery: Nursery, seed: int, tell: Callable[[str], None], *, deep: bool
) -> None:
    chance = random.Random(seed)
    told = 0
    kills = DEEP_KILLS if deep else KILLS
    async with place.open() as client:
        await client.token(HERE)
    for _ in range(kills):
        life = Life(nursery, place)
        pushers = [Pusher(number, random.Random(chance.random())) for number in range(4)]
        async with place.visit(life.url) as client:
            before = [await client.pull(HERE, pusher.tag) for pusher in pushers]
            for pusher, raw in zip(pushers, before, strict=True):
                pusher.now = pusher.perhaps = raw
            work = [asyncio.create_task(pusher.push(client)) for pusher in pushers]
            # Counted in what was done, so that a slow machine sees as much of it before the kill.
            enough = chance.randint(1, MOST_TOLD)
            while sum(pusher.told for pusher in pushers) < enough and not any(one.done() for one in work):  # noqa: ASYNC110 - what is counted wakes nobody
                await asyncio.sleep(0.001)
            await asyncio.sleep(chance.uniform(0, 0.02))
            await asyncio.to_thread(life.kill)
            ends = await asyncio.gather(*work, return_exceptions=True)
        assert all(isinstance(end, Cut) for end in ends), ends
        place.check()
        async with place.open() as client:
            for pusher in pushers:
                await pusher.verify(client)
        told += sum(pusher.told for pusher in pushers)
    await asyncio.to_thread(place.sweep)
    assert told, "nothing was acknowledged before any kill"
    tell(f"{kills} kills at random moments, {told} acknowledgements, none lost")

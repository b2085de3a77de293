"""Uploads that are interrupted and go on: another connection, another process, an older token."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from moorage.tokens.registry_tokens import TokenKeys
from tests.faults.life import Life, Nursery
from tests.faults.place import ALICE, BOB, Place, mint
from tests.faults.registry import Answer, Body, Client, Cut, digest_of, some_bytes

HERE = "team/app"


async def find_offset(client: Client, location: str) -> tuple[str, int]:
    """The newest Location, and how many bytes are durable."""
    reply = await client.ask("GET", location.partition("?")[0])
    assert reply.status == 204, reply
    last = int(reply.headers["range"].partition("-")[2])
    return reply.location, last + 1 if last else 0


async def wait_for(client: Client, location: str, least: int) -> tuple[str, int]:
    """Ask until so many bytes are durable."""
    for _ in range(1500):
        newest, have = await find_offset(client, location)
        if have >= least:
            return newest, have
        await asyncio.sleep(0.02)
    raise AssertionError(f"{least} bytes never became durable")


async def go_on(client: Client, location: str, data: bytes) -> Answer:
    """Send the rest as clients do: from where the server says it is, again when somebody else is still writing."""
    for _ in range(1500):
        newest, have = await find_offset(client, location)
        reply = await client.close(newest, digest_of(data), data[have:])
        if reply.status != 416:
            return reply
        await asyncio.sleep(0.02)
    raise AssertionError("the upload stayed busy")


async def test_a_connection_that_breaks_in_a_patch_keeps_what_arrived(place: Place, nursery: Nursery) -> None:
    data = some_bytes(2_000_000)
    life = Life(nursery, place)
    async with place.visit(life.url) as client:
        opened = await client.start(HERE)
        sent = data[:1_500_000]
        pieces = [sent[begin : begin + 100_000] for begin in range(0, len(sent), 100_000)]
        with pytest.raises(Cut):
            await client.patch(opened.location, Body(pieces, len(data), whole=False))

        _, have = await wait_for(client, opened.location, 1)
        assert have <= len(sent)
        reply = await go_on(client, opened.location, data)

        assert reply.status == 201, reply
        assert (await client.get_blob(HERE, digest_of(data))).body == data
    life.stop()
    place.check(rest=True)


async def test_an_upload_goes_on_after_a_restart(place: Place, nursery: Nursery) -> None:
    data = some_bytes(30_000)
    location = ""
    for begin in range(0, 30_000, 10_000):
        life = Life(nursery, place)
        async with place.visit(life.url) as client:
            location = location or (await client.start(HERE)).location
            reply = await client.patch(location, data[begin : begin + 10_000], at=begin)
            assert reply.status == 202, reply
            location = reply.location
        life.stop()
        place.check()
    async with place.open() as client:
        assert (await client.close(location, digest_of(data))).status == 201
        assert (await client.get_blob(HERE, digest_of(data))).body == data
    place.check(rest=True)


async def test_each_request_of_an_upload_may_reach_another_process(place: Place, nursery: Nursery) -> None:
    blobs = [some_bytes(2_000 + n) for n in range(24)]
    lives = [Life(nursery, place) for _ in range(2)]
    async with place.visit(lives[0].url) as one, place.visit(lives[1].url) as two:
        await one.token(HERE)

        async def push(number: int, data: bytes) -> int:
            first, second = (one, two) if number % 2 else (two, one)
            reply = await first.start(HERE)
            for begin in range(0, len(data), 900):
                reply = await second.patch(reply.location, data[begin : begin + 900], at=begin)
                assert reply.status == 202, reply
                first, second = second, first
            return (await second.close(reply.location, digest_of(data))).status

        statuses = await asyncio.gather(*(push(number, data) for number, data in enumerate(blobs)))

        assert statuses == [201] * len(blobs)
        for data in blobs:
            assert (await two.get_blob(HERE, digest_of(data))).body == data
    for life in lives:
        life.stop()
    place.check(rest=True)


async def test_a_frozen_writer_whose_claim_lapsed_cannot_reach_the_blob(place: Place, nursery: Nursery) -> None:
    data = some_bytes(2_400_000)
    frozen, healthy = Life(nursery, place), Life(nursery, place)
    async with place.visit(frozen.url) as slow, place.visit(healthy.url) as client:
        opened = await slow.start(HERE)
        reply = await slow.patch(opened.location, data[:400_000], at=0)
        thaw = asyncio.Event()
        writing = asyncio.create_task(send_slowly(slow, reply.location, data[400_000:], thaw))
        await wait_for_file(place.storage, 400_001)

        os.kill(frozen.pid, signal.SIGSTOP)
        assert (await client.close(reply.location, digest_of(data), data[400_000:])).status == 416
        assert (await find_offset(client, reply.location))[1] == 400_000
        place.let_claims_lapse()
        reply = await go_on(client, opened.location, data)
        assert reply.status == 201, reply
        os.kill(frozen.pid, signal.SIGCONT)
        thaw.set()

        assert (await writing).status == 404
        assert (await client.get_blob(HERE, digest_of(data))).body == data
    for life in (frozen, healthy):
        life.stop()
    place.check(rest=True)


async def send_slowly(client: Client, location: str, data: bytes, thaw: asyncio.Event) -> Answer:
    """A PATCH with other bytes than it should have, of which the last half comes after the thaw."""
    wrong = bytes(len(data))

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(wrong), 50_000):
            if begin >= len(wrong) // 2 + 50_000:
                await thaw.wait()
            yield wrong[begin : begin + 50_000]

    return await client.patch(location, Body([], stream=pieces))


async def wait_for_file(storage: Path, size: int) -> None:
    """Until a file of an upload is so long."""
    for _ in range(1500):
        with contextlib.suppress(FileNotFoundError):
            if any(path.stat().st_size >= size for path in storage.glob("uploads/*/data*")):  # noqa: ASYNC240 - a test
                return
        await asyncio.sleep(0.02)
    raise AssertionError(f"no upload has {size} bytes")


# -- who may go on ----------------------------------------------------------------------------------------


def old_token(place: Place, age_seconds: float) -> str:
    """A token of alice for the repository that was issued a while ago, for half an hour."""
    return mint(place, TokenKeys(place.settings.token_key_folder, clock=lambda: time.time() - age_seconds), HERE)


@pytest.mark.parametrize(("hours", "status"), [(1, 201), (24, 201), (25, 401)])
async def test_a_token_that_expired_finishes_its_upload_for_a_day(place: Place, hours: int, status: int) -> None:
    data = some_bytes()
    async with place.open() as client:
        opened = await client.start(HERE)
        late = Client(client.send, ALICE, {(HERE,): old_token(place, hours * 3600)})
        await asyncio.to_thread(place.let_uploads_grow_old, hours)

        assert (await late.start(HERE)).status == 401
        assert (await late.head_blob(HERE, digest_of(data))).status == 401
        reply = await late.close(opened.location, digest_of(data), data)

        assert reply.status == status, reply
        assert (await client.head_blob(HERE, digest_of(data))).status == (200 if status == 201 else 404)


async def test_somebody_elses_upload_is_not_there(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        opened = await client.start(HERE)
        reply = await client.patch(opened.location, data, at=0)
        bob = Client(client.send, BOB)
        for method in ("GET", "PATCH", "DELETE"):
            assert (await bob.ask(method, reply.location)).status == 404
        assert (await bob.close(reply.location, digest_of(data))).status == 404
        elsewhere = reply.location.replace(HERE, "team/other")
        assert (await client.close(elsewhere, digest_of(data))).status == 404

        assert client.account == ALICE
        assert (await client.close(reply.location, digest_of(data))).status == 201
    place.check(rest=True)

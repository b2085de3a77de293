"""Projects that may hold no more: what is new is refused before a byte is sent, and what is damaged can be healed."""

import asyncio
import json
import re

import pytest

from tests.faults.invariants import read
from tests.faults.model import damage
from tests.faults.place import Place
from tests.faults.registry import Answer, Body, Client, digest_of, image, push_image, some_bytes
from tests.faults.test_races import usage

SIZE = 600_000
"""Of the layer that is damaged: large enough to be written in pieces."""
WAYS = ("whole", "chunk", "chunks", "stream", "closing put")


async def fill(place: Place, client: Client, layer: bytes) -> bytes:
    """A project that holds an image, and may hold nothing more; the manifest."""
    place.make_project("full", -1)
    raw = await push_image(client, "full/app", "t", layer)
    place.set_limit("full", usage(place, "full"))
    return raw


def require_refused(reply: Answer) -> None:
    """What the contract says of a full project."""
    assert reply.status == 403, reply
    (error,) = json.loads(reply.body)["errors"]
    assert (error["code"], error["detail"]["reason"]) == ("DENIED", "QUOTA_EXCEEDED")
    assert re.search("(will exceed|has reached) the configured upper limit", error["message"])


async def push(client: Client, repository: str, data: bytes, way: str) -> Answer:
    """Push a blob in one of the ways that clients have: the last answer, or the first that is no success."""
    if way == "whole":
        return await client.push_whole(repository, data)
    if way == "stream":
        reply = await client.start(repository)
        if reply.status == 202:
            reply = await client.patch(reply.location, Body([data[:200_000], data[200_000:]]))
        return await client.close(reply.location, digest_of(data)) if reply.status == 202 else reply
    return await client.push_blob(repository, data, pieces={"closing put": 0, "chunk": 1, "chunks": 3}[way])


async def test_a_full_project_refuses_an_upload_before_a_byte_is_sent(place: Place) -> None:
    layer, other = some_bytes(), some_bytes()
    async with place.open() as client:
        await fill(place, client, layer)
        assert (await client.push_blob("other/app", other)).status == 201

        require_refused(await client.start("full/app"))
        require_refused(await client.push_whole("full/app", other))
        require_refused(await client.mount("full/app", other, source="other/app"))

        assert read(place.url)["upload"] == []
        assert (await client.head_blob("full/app", digest_of(layer))).status == 200
        assert (await client.mount("full/more", layer, source="full/app")).status == 201
        place.set_limit("full", usage(place, "full") + len(other))
        assert (await push(client, "full/app", other, "chunk")).status == 201
    place.check(rest=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["lose", "rot"])
async def test_a_full_project_heals_what_it_pays_for(place: Place, way: str, how: str) -> None:
    """Clients ask by HEAD before they push; then the server knows that there is something to heal."""
    layer = some_bytes(SIZE)
    digest = digest_of(layer)
    async with place.open() as client:
        raw = await fill(place, client, layer)
        before = usage(place, "full")
        damage(place.storage, digest, how)

        assert (await client.head_blob("full/app", digest)).status == 404
        reply = await push(client, "full/app", layer, way)

        assert reply.status == 201, reply
        assert await client.pull("full/app", "t") == raw
        assert usage(place, "full") == before
        place.check(rest=True)
        require_refused(await client.start("full/app"))
    await asyncio.to_thread(place.sweep)


async def test_who_names_the_digest_need_not_ask_first(place: Place) -> None:
    layer = some_bytes(SIZE)
    async with place.open() as client:
        raw = await fill(place, client, layer)
        damage(place.storage, digest_of(layer), "lose")

        assert (await client.push_whole("full/app", layer)).status == 201

        assert await client.pull("full/app", "t") == raw
    place.check(rest=True)


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_lent_for_healing_is_for_nothing_else(place: Place, way: str) -> None:
    layer, other = some_bytes(SIZE), some_bytes(SIZE - 1000)
    async with place.open() as client:
        await fill(place, client, layer)
        before = usage(place, "full")
        damage(place.storage, digest_of(layer), "lose")
        assert (await client.head_blob("full/app", digest_of(layer))).status == 404

        require_refused(await push(client, "full/app", other, way))

        assert (await client.head_blob("full/app", digest_of(other))).status == 404
        assert usage(place, "full") == before
        place.check(rest=True, damaged={digest_of(layer)})
        assert (await push(client, "full/app", layer, way)).status == 201
    await asyncio.to_thread(place.sweep)


async def test_no_more_is_lent_than_is_damaged(place: Place) -> None:
    layer = some_bytes(SIZE)
    part = layer[: SIZE // 3 + 1]
    async with place.open() as client:
        await fill(place, client, layer)
        damage(place.storage, digest_of(layer), "lose")
        assert (await client.head_blob("full/app", digest_of(layer))).status == 404
        opened = [await client.start("full/app") for _ in range(12)]

        patched = await asyncio.gather(*(client.patch(one.location, part, at=0) for one in opened))

        assert sorted(reply.status for reply in patched) == [202] * 2 + [403] * 10
        assert sum(row.lent_bytes for row in read(place.url)["upload"]) == 2 * len(part)
        for reply in patched:
            if reply.status == 202:
                assert (await client.ask("DELETE", reply.location)).status == 204
        assert (await push(client, "full/app", layer, "chunks")).status == 201
        place.check()
    await asyncio.to_thread(place.sweep)


async def test_streams_at_the_same_time_share_the_room(place: Place) -> None:
    """What one of them reserves ahead of its bytes does not keep the others from what fits."""
    mebibyte = 1 << 20
    place.make_project("tight", 84 * mebibyte)
    blobs = [some_bytes(20 * mebibyte) for _ in range(4)]
    async with place.open() as client:
        await client.token("tight/app")
        replies = await asyncio.gather(*(stream(client, data) for data in blobs))

    assert [reply.status for reply in replies] == [201] * 4
    assert usage(place, "tight") == sum(map(len, blobs))
    place.check(rest=True)


async def stream(client: Client, data: bytes) -> Answer:
    """Push a large blob without telling its length."""
    opened = await client.start("tight/app")
    size = 1 << 19
    reply = await client.patch(opened.location, Body([data[at : at + size] for at in range(0, len(data), size)]))
    return await client.close(reply.location, digest_of(data)) if reply.status == 202 else reply


async def test_a_manifest_names_a_healed_blob_in_a_full_project(place: Place) -> None:
    layer = some_bytes()
    async with place.open() as client:
        raw = await fill(place, client, layer)
        damage(place.storage, digest_of(layer), "lose")
        assert (await client.put_manifest("full/app", "again", raw)).status == 404
        assert (await push(client, "full/app", layer, "chunk")).status == 201
        assert (await client.put_manifest("full/app", "again", raw)).status == 201
        require_refused(await client.put_manifest("full/app", "more", image(layer, note="new")))
    place.check(rest=True)

"""Fault B6: the file of a blob is lost or damaged while its row is live. Many heal it, some of them late.

What a client sees on each driver is in tests/api/test_healing.py; kills in the middle are in `stories.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from moorage.ids import UploadId
from moorage.storage.base import Progress, Stat
from moorage.storage.filesystem import Filesystem
from tests.faults.invariants import read
from tests.faults.model import DAMAGE, damage
from tests.faults.place import Place
from tests.faults.registry import Client, digest_of, image, push_image, some_bytes

HERE, THERE = "team/app", "other/app"


def states(place: Place, data: bytes) -> list[str]:
    """The states of all rows of a blob."""
    digest = bytes.fromhex(digest_of(data).partition(":")[2])
    return sorted(row.state for row in read(place.url)["blob"] if bytes(row.digest)[1:] == digest)


@pytest.mark.parametrize("how", DAMAGE)
async def test_b6_a_pushed_blob_is_whole_for_everybody_whatever_became_of_its_file(place: Place, how: str) -> None:
    layer = some_bytes()
    digest = digest_of(layer)
    async with place.open() as client:
        raws = [await push_image(client, name, "t", layer) for name in (HERE, THERE)]
        damage(place.storage, digest, how)
        place.check(damaged={digest})

        asked = [(await client.head_blob(name, digest)).status for name in (HERE, THERE)]
        pulled = (await client.get_blob(HERE, digest)).status
        pushed = (await client.push_blob(HERE, layer)).status

        assert (asked, pulled, pushed) == ([404, 404], 503, 201)
        assert [await client.pull(name, "t") for name in (HERE, THERE)] == raws
        place.check(rest=True)
    assert states(place, layer) == ["doomed", "live"]
    await asyncio.to_thread(place.sweep)
    async with place.open() as client:
        assert [await client.pull(name, "t") for name in (HERE, THERE)] == raws


async def test_64_clients_heal_one_blob_for_64_repositories_while_others_look(place: Place) -> None:
    data = some_bytes()
    digest = digest_of(data)
    names = [f"{('team', 'other')[n % 2]}/app{n % 16}" for n in range(64)]
    async with place.open() as client:
        for name in dict.fromkeys([HERE, *names]):
            assert (await client.push_blob(name, data)).status == 201
        damage(place.storage, digest, "lose")

        async def watch() -> set[int]:
            found = set()
            for _ in range(10):
                found |= {(await client.get_blob(HERE, digest)).status, (await client.head_blob(HERE, digest)).status}
                await asyncio.sleep(0.01)
            return found

        async def mount(name: str) -> int:
            return (await client.mount(name, data, source=HERE)).status

        pushes = asyncio.gather(*(client.push_blob(name, data, pieces=n % 3) for n, name in enumerate(names)))
        seen, mounted, replies = await asyncio.gather(watch(), mount("team/mounted"), pushes)

        assert [reply.status for reply in replies] == [201] * 64
        assert seen <= {200, 404, 503}
        assert mounted in {201, 202}
        for name in set(names):
            assert (await client.get_blob(name, digest)).body == data
    assert states(place, data).count("live") == 1
    assert set(states(place, data)) == {"live", "doomed"}
    place.check()
    await asyncio.to_thread(place.sweep)


# -- somebody is late -------------------------------------------------------------------------------------


class Late:
    """Holds the first upload that gets its place, between T1 and the rename."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held, self.go_on = asyncio.Event(), asyncio.Event()
        real = Filesystem.finish

        async def finish(storage: Filesystem, upload: UploadId, progress: Progress, key: str) -> Stat:
            if not self.held.is_set():
                self.held.set()
                await self.go_on.wait()
            return await real(storage, upload, progress, key)

        monkeypatch.setattr(Filesystem, "finish", finish)


@pytest.fixture
async def lost(place: Place) -> AsyncIterator[tuple[Client, bytes]]:
    """A client, and a blob that was lost."""
    data = some_bytes()
    async with place.open() as client:
        assert (await client.push_blob(HERE, data)).status == 201
        damage(place.storage, digest_of(data), "lose")
        yield client, data


async def heal_late(
    late: Late, client: Client, data: bytes, meanwhile: Callable[[], Any], repository: str = HERE
) -> None:
    """Push, and do something while the push has its place and no file."""
    push = asyncio.create_task(client.push_blob(repository, data))
    await late.held.wait()
    await meanwhile()
    late.go_on.set()
    reply = await push
    assert reply.status == 201, reply
    assert (await client.get_blob(repository, digest_of(data))).body == data


async def test_who_is_late_joins_what_somebody_else_has_healed(
    place: Place, lost: tuple[Client, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, data = lost

    async def another_heals() -> None:
        assert (await client.push_blob(THERE, data)).status == 201

    await heal_late(Late(monkeypatch), client, data, another_heals)

    assert states(place, data) == ["doomed", "doomed", "live"]
    place.check(rest=True)


async def test_what_is_lost_again_before_somebody_late_joins_it_is_healed_by_them(
    place: Place, lost: tuple[Client, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, data = lost

    async def healed_and_lost() -> None:
        assert (await client.push_blob(THERE, data)).status == 201
        damage(place.storage, digest_of(data), "lose")

    await heal_late(Late(monkeypatch), client, data, healed_and_lost)

    assert (await client.get_blob(THERE, digest_of(data))).body == data
    place.check(rest=True)


async def test_a_twin_that_is_lost_at_once_is_not_joined(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was there at T1; at T2 somebody else's blob is live, and its file is gone already."""
    data = some_bytes()
    async with place.open() as client:

        async def pushed_and_lost() -> None:
            assert (await client.push_blob(THERE, data)).status == 201
            damage(place.storage, digest_of(data), "lose")

        await heal_late(Late(monkeypatch), client, data, pushed_and_lost)
    place.check(rest=True)


async def test_what_the_collector_took_meanwhile_is_pushed_anew(
    place: Place, lost: tuple[Client, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, data = lost

    async def collect() -> None:  # the last link ends, and the collector goes up the chain: G1, G2, G3
        assert (await client.delete_blob(HERE, digest_of(data))).status == 202
        (size,) = {row.size_bytes for row in read(place.url)["project_blob"]}
        place.execute("DELETE FROM repository_blob")
        place.execute("DELETE FROM project_blob")
        place.execute("UPDATE blob SET state = 'doomed', live = NULL WHERE state = 'live'")
        team = "slot = 0 AND project_id = (SELECT id FROM project WHERE name = 'team')"
        place.execute(f"UPDATE quota_slot SET used_bytes = used_bytes - {size} WHERE {team}")  # noqa: S608 - our own

    await heal_late(Late(monkeypatch), client, data, collect)

    assert states(place, data) == ["doomed", "live"]
    place.check(rest=True)


async def test_who_has_to_give_up_leaves_the_damaged_blob_as_it_was(
    place: Place, lost: tuple[Client, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, data = lost
    late = Late(monkeypatch)
    opened = await client.start(HERE)
    sent = await client.patch(opened.location, data)
    push = asyncio.create_task(client.close(sent.location, digest_of(data)))
    await late.held.wait()
    assert (await client.ask("DELETE", sent.location)).status == 204
    late.go_on.set()

    assert (await push).status == 404
    assert (await client.head_blob(HERE, digest_of(data))).status == 404
    place.check(rest=True, damaged={digest_of(data)})
    assert (await client.push_blob(HERE, data)).status == 201
    assert (await client.put_manifest(HERE, "t", image(data, config=data))).status == 201
    place.check(rest=True)

"""Many clients at once, each test for one race."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from moorage.errors import ProjectNotEmpty
from moorage.events import SYSTEM
from moorage.projects.service import delete_project, get_project
from moorage.quotas.service import get_usage
from moorage.wiring import open_database
from tests.faults.invariants import read
from tests.faults.place import Place
from tests.faults.registry import INDEX, Client, digest_of, image, index, push_image, some_bytes


async def gather(*calls: Any) -> list[Any]:
    """The results of calls made at the same time."""
    return list(await asyncio.gather(*calls))


# -- blobs ------------------------------------------------------------------------------------------------


async def test_64_clients_push_the_same_blob_to_one_repository(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        replies = await gather(*(client.push_blob("team/app", data, pieces=n % 3) for n in range(64)))

        assert [reply.status for reply in replies] == [201] * 64
        assert (await client.get_blob("team/app", digest_of(data))).body == data
    rows = read(place.url)
    assert len([row for row in rows["blob"] if row.state == "live"]) == 1
    assert [row.size_bytes for row in rows["project_blob"]] == [len(data)]
    place.check(rest=True)


async def test_64_clients_push_the_same_blob_to_64_repositories(place: Place) -> None:
    data = some_bytes()
    names = [f"{('team', 'other')[n % 2]}/app{n}" for n in range(64)]
    async with place.open() as client:
        await client.token(names[0])
        replies = await gather(*(client.push_blob(name, data, pieces=n % 3) for n, name in enumerate(names)))

        assert [reply.status for reply in replies] == [201] * 64
    rows = read(place.url)
    assert len([row for row in rows["blob"] if row.state == "live"]) == 1
    assert len(rows["project_blob"]) == 2
    assert len(rows["repository_blob"]) == 64
    place.check(rest=True)


async def test_200_uploads_to_one_project_at_once_all_succeed_and_add_up(place: Place) -> None:
    blobs = [some_bytes(100 + n) for n in range(200)]
    async with place.open() as client:
        replies = await gather(
            *(client.push_blob(f"team/app{n % 10}", data, pieces=n % 3) for n, data in enumerate(blobs))
        )

    assert [reply.status for reply in replies] == [201] * 200
    assert usage(place, "team") == sum(map(len, blobs))
    place.check(rest=True)


# -- tags -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """A move of a tag, or a read of it: when it began and ended, and the digest."""

    began: float
    ended: float
    digest: str


async def test_a_tag_that_64_clients_move_while_64_read_is_linearizable(place: Place) -> None:
    layer = some_bytes()
    raws = [image(layer, note=str(n)) for n in range(65)]
    moves: list[Event] = []
    reads: list[Event] = []
    async with place.open() as client:
        for data in (layer, b"{}"):
            assert (await client.push_blob("team/app", data)).status == 201
        assert (await client.put_manifest("team/app", "t", raws[64])).status == 201
        moves.append(Event(0, 0, digest_of(raws[64])))

        async def move(raw: bytes) -> None:
            began = time.perf_counter()
            reply = await client.put_manifest("team/app", "t", raw)
            assert reply.status == 201, reply
            moves.append(Event(began, time.perf_counter(), digest_of(raw)))

        async def watch() -> None:
            for _ in range(4):
                began = time.perf_counter()
                reply = await client.get_manifest("team/app", "t")
                assert reply.status == 200, reply
                assert digest_of(reply.body) == reply.headers["docker-content-digest"]
                reads.append(Event(began, time.perf_counter(), digest_of(reply.body)))
                await asyncio.sleep(0.01)

        await gather(*(call for raw in raws[:64] for call in (move(raw), watch())))

        last = digest_of((await client.get_manifest("team/app", "t")).body)
        for raw in raws:
            assert await client.pull("team/app", digest_of(raw)) == raw
    ended = {one.digest: one for one in moves}
    assert max(one.began for one in moves) <= ended[last].ended
    for one in reads:
        move_ = ended[one.digest]
        assert move_.began <= one.ended, "read before it was written"
        assert not [other for other in moves if move_.ended < other.began and other.ended < one.began], "read too late"
    history = read(place.url)["tag_history"]
    assert len(history) == 65
    place.check(rest=True)


async def test_the_last_tags_of_an_image_move_or_go_at_once_and_it_is_untagged(place: Place) -> None:
    layer = some_bytes()
    tags = [f"t{n}" for n in range(6)]
    async with place.open() as client:
        first = await push_image(client, "team/app", "t0", layer)
        for turn in range(8):
            for tag in tags:
                assert (await client.put_manifest("team/app", tag, first)).status == 201
            raws = [image(layer, note=f"{turn}.{n}") for n in range(len(tags))]
            replies = await gather(
                *(client.put_manifest("team/app", *pair) for pair in zip(tags[1:], raws[1:], strict=True)),
                client.put_manifest("team/app", "new" if turn % 4 == 3 else "t0", first if turn % 2 else raws[0]),
            )
            assert [reply.status for reply in replies] == [201] * len(tags)
            place.check()
    place.check(rest=True)


async def test_two_images_swap_their_tags_and_nobody_waits_for_nobody(place: Place) -> None:
    layer = some_bytes()
    async with place.open() as client:
        one = await push_image(client, "team/app", "a", layer)
        two = await push_image(client, "team/app", "b", layer, config=b'{"two": true}')
        for _ in range(10):
            replies = await gather(
                client.put_manifest("team/app", "a", two),
                client.put_manifest("team/app", "b", one),
                client.put_manifest("team/app", "c", one),
            )
            assert [reply.status for reply in replies] == [201] * 3
            one, two = two, one
    place.check(rest=True)


async def test_a_tag_that_is_moved_is_never_unknown_to_whoever_deletes_it(place: Place) -> None:
    async with place.open() as client:
        layer = some_bytes()
        await push_image(client, "team/app", "t", layer)
        for n in range(20):
            raw = image(layer, note=str(n))
            deleted, pushed = await gather(
                client.delete_manifest("team/app", "t"), client.put_manifest("team/app", "t", raw)
            )
            assert (deleted.status, pushed.status) == (202, 201)
            if await client.pull("team/app", "t") is None:
                assert (await client.put_manifest("team/app", "t", raw)).status == 201
    place.check(rest=True)


# -- deleting what somebody needs -------------------------------------------------------------------------


async def test_a_manifest_and_the_deletion_of_its_blob_are_never_both_right(place: Place) -> None:
    async with place.open() as client:
        outcomes = set()
        for _ in range(25):
            layer = some_bytes(200)
            for data in (layer, b"{}"):
                assert (await client.push_blob("team/app", data)).status == 201
            pushed, deleted = await gather(
                client.put_manifest("team/app", "t", image(layer)), client.delete_blob("team/app", digest_of(layer))
            )
            outcomes.add((pushed.status, deleted.status))
            await client.pull("team/app", "t")
    assert outcomes <= {(201, 405), (404, 202)}, outcomes
    place.check(rest=True)


async def test_an_index_and_the_deletion_of_its_child_are_never_both_right(place: Place) -> None:
    async with place.open() as client:
        outcomes = set()
        for n in range(25):
            child = await push_image(client, "team/app", "", some_bytes(200))
            pushed, deleted = await gather(
                client.put_manifest("team/app", f"t{n}", index([child]), INDEX),
                client.delete_manifest("team/app", digest_of(child)),
            )
            outcomes.add((pushed.status, deleted.status))
            await client.pull("team/app", f"t{n}")
    assert outcomes <= {(201, 412), (404, 202)}, outcomes
    place.check(rest=True)


async def test_a_child_that_two_indexes_share_goes_with_neither_while_the_other_is_pushed(place: Place) -> None:
    async with place.open() as client:
        for n in range(25):
            child = await push_image(client, "team/app", "", some_bytes(200))
            first, second = index([child], note=f"first {n}"), index([child], note=f"second {n}")
            assert (await client.put_manifest("team/app", "first", first, INDEX)).status == 201
            deleted, pushed = await gather(
                client.delete_manifest("team/app", digest_of(first)),
                client.put_manifest("team/app", "second", second, INDEX),
            )
            assert deleted.status == 202
            assert pushed.status in {201, 404}
            await client.pull("team/app", "second")
    place.check(rest=True)


async def test_indexes_that_share_a_child_count_it_once(place: Place) -> None:
    async with place.open() as client:
        children = [await push_image(client, "team/app", "", some_bytes(100)) for _ in range(5)]
        replies = await gather(
            *(client.put_manifest("team/app", f"t{n}", index(children, note=str(n)), INDEX) for n in range(16))
        )
    assert [reply.status for reply in replies] == [201] * 16
    place.check(rest=True)


async def test_a_project_is_deleted_or_pushed_to_never_both(place: Place) -> None:
    outcomes = set()
    async with place.open() as client:
        for n in range(10):
            name = f"short{n}"
            place.make_project(name, -1)
            pushed, deleted = await gather(
                push(client, f"{name}/app"), asyncio.to_thread(delete, place, name, 0.004 * n)
            )
            outcomes.add((pushed, deleted))
            if not deleted:
                assert await client.pull(f"{name}/app", "t")
    assert outcomes <= {(True, False), (False, True)}, outcomes
    place.check()


async def push(client: Client, repository: str) -> bool:
    """Push an image; whether all of it was taken."""
    layer = some_bytes(100)
    await client.token(repository)
    for data in (layer, b"{}"):
        reply = await client.push_blob(repository, data)
        if reply.status != 201:
            assert reply.status in {401, 404}, reply
            return False
    reply = await client.put_manifest(repository, "t", image(layer))
    assert reply.status in {201, 401, 404}, reply
    return reply.status == 201


def delete(place: Place, name: str, after_seconds: float) -> bool:
    """Delete a project from another process's point of view; whether it could be."""
    database = open_database(place.settings)
    time.sleep(after_seconds)
    try:
        database.run_here(SYSTEM, lambda work: delete_project(work, get_project(work, name).id))
    except ProjectNotEmpty:
        return False
    finally:
        database.engine.dispose()
    return True


# -- the limit of a project -------------------------------------------------------------------------------


def usage(place: Place, name: str) -> int:
    """What a project holds by its counter."""
    database = open_database(place.settings)
    try:
        used = database.run_here(SYSTEM, lambda work: get_usage(work, get_project(work, name).id).used_bytes)
    finally:
        database.engine.dispose()
    return used


async def test_100_pushes_at_the_limit_never_pass_it(place: Place) -> None:
    place.make_project("tight", 10 * 500 + 499)
    most = 0
    pushing = True

    async def watch() -> None:
        nonlocal most
        while pushing:
            most = max(most, await asyncio.to_thread(usage, place, "tight"))

    async with place.open() as client:
        watcher = asyncio.create_task(watch())
        calls = [client.push_whole(f"tight/app{n % 7}", some_bytes(500)) for n in range(100)]
        replies = await gather(*calls)
        pushing = False
        await watcher

    statuses = [reply.status for reply in replies]
    assert statuses.count(201) == 10
    assert statuses.count(403) == 90
    assert most <= 10 * 500 + 499
    assert usage(place, "tight") == 5000
    place.check(rest=True)

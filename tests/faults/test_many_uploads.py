"""Very many uploads into one project at the same time: none fails, the count is exact, and none waits for another."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path

import pytest

from moorage.ids import UploadId
from moorage.storage.base import Progress, Stat
from moorage.storage.filesystem import Filesystem
from tests import serving
from tests.faults.invariants import read
from tests.faults.life import Life, Nursery
from tests.faults.place import Place
from tests.faults.registry import Answer, Body, Client, digest_of, some_bytes

UPLOADS, DEEP_UPLOADS = 200, 1_000
"""At the same time, against a server and against the application in this process."""

WAYS = ("whole", "whole stream", "closing put", "closing stream", "chunk", "stream", "chunks", "mixed")
SHARED_EVERY = 4
"""How many of the uploads bring a layer that others bring too."""


def streamed(data: bytes) -> Body:
    """A body whose length is not told, in two pieces."""
    half = len(data) // 2
    return Body([data[:half], data[half:]])


async def push(client: Client, repository: str, data: bytes, way: str) -> Answer:
    """Push a blob in one of the ways that clients have; the last answer."""
    digest = digest_of(data)
    if way == "whole":
        return await client.push_whole(repository, data)
    if way == "whole stream":
        return await client.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", streamed(data))
    reply = await client.start(repository)
    assert reply.status == 202, reply
    half = len(data) // 2
    last: Body | bytes = b""
    if way in {"chunk", "chunks"}:
        parts = [data] if way == "chunk" else [data[:half], data[half:]]
        for at, part in zip((0, half), parts, strict=False):
            reply = await client.patch(reply.location, part, at=at)
            assert reply.status == 202, reply
    elif way in {"stream", "mixed"}:
        first = data if way == "stream" else data[:half]
        reply = await client.patch(reply.location, streamed(first))
        assert reply.status == 202, reply
        last = data[len(first) :]
    else:
        last = data if way == "closing put" else streamed(data)
    return await client.close(reply.location, digest, last)


def make_blobs(count: int) -> list[bytes]:
    """The bytes of each upload; every fourth brings one of a few layers that others bring too."""
    shared = [some_bytes(4_000 + n) for n in range(5)]
    return [shared[n // SHARED_EVERY % 5] if n % SHARED_EVERY == 0 else some_bytes(1_000 + n) for n in range(count)]


async def push_all(client: Client, blobs: Collection[bytes], project: str) -> list[Answer]:
    """All of them at the same time, to ten repositories of a project, each way in turn."""
    await asyncio.gather(*(client.token(f"{project}/app{n}") for n in range(10)))
    ways = itertools.cycle(WAYS)
    calls = [push(client, f"{project}/app{n % 10}", data, next(ways)) for n, data in enumerate(blobs)]
    return list(await asyncio.gather(*calls))


def require_exact(place: Place, project: str, blobs: Collection[bytes]) -> None:
    """The project holds each of the blobs once and not a byte more, by its counter and by its rows."""
    rows = read(place.url)
    number = next(row.id for row in rows["project"] if row.name == project)
    counted = sum(row.used_bytes for row in rows["quota_slot"] if row.project_id == number)
    assert counted == sum(map(len, set(blobs)))
    place.check(rest=True)


async def test_very_many_uploads_to_one_project_add_up_exactly(
    place: Place, tell: Callable[[str], None], *, deep: bool
) -> None:
    """With a limit, so that what is reserved ahead counts against it."""
    count = DEEP_UPLOADS if deep else UPLOADS
    blobs = make_blobs(count)
    place.make_project("busy", 1 << 40)
    began = time.perf_counter()

    async with place.open() as client:
        replies = await push_all(client, blobs, "busy")

    assert [reply.status for reply in replies] == [201] * count, replies
    require_exact(place, "busy", blobs)
    tell(
        f"{count} uploads at once, {'PostgreSQL' if place.database else 'SQLite'}: {time.perf_counter() - began:.1f} s"
    )


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.part("postgres"))])
async def test_very_many_uploads_to_two_workers_add_up_exactly(
    request: pytest.FixtureRequest, tmp_path: Path, tell: Callable[[str], None], kind: str, *, deep: bool
) -> None:
    """A started server: the workers share a database and a folder, and nothing else."""
    count = DEEP_UPLOADS if deep else UPLOADS
    blobs = make_blobs(count)
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else ""
    settings = {"log.level": "warning", "uploads.open_limit": 2 * count}
    with serving.serve(tmp_path / "data", workers=2, database_url=url, settings=settings) as moorage:
        moorage.create_project("busy")
        place = Place(tmp_path / "data", url)
        began = time.perf_counter()
        async with place.visit(moorage.url, moorage.admin, seconds=300) as client:
            replies = await push_all(client, blobs, "busy")
        took = time.perf_counter() - began

    assert [reply.status for reply in replies] == [201] * count, replies
    require_exact(place, "busy", blobs)
    tell(f"{count} uploads at once to two workers, {kind}: {took:.1f} s")


# -- nobody waits for a slow one --------------------------------------------------------------------------


async def do_all_else(client: Client, place: Place) -> None:
    """What others do in the same project and repository; each of it has to end soon, whoever else is slow."""
    async with asyncio.timeout(90):
        for way in WAYS:
            reply = await push(client, "team/app", some_bytes(), way)
            assert reply.status == 201, reply
        layer = some_bytes()
        assert (await client.push_blob("other/app", layer)).status == 201
        assert (await client.mount("team/app", layer, source="other/app")).status == 201
        assert (await client.delete_blob("team/app", digest_of(layer))).status == 202
        await asyncio.to_thread(place.execute, "UPDATE quota_slot SET used_bytes = used_bytes + 0")
        await asyncio.to_thread(place.execute, "UPDATE upload SET offset_bytes = offset_bytes + 0")
        await asyncio.to_thread(place.execute, "UPDATE blob SET size_bytes = size_bytes + 0")


def open_transactions(place: Place) -> int:
    """How many connections have begun a transaction and wait for whoever began it; SQLite cannot say."""
    if not place.database:
        return 0
    (count,) = place.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND starts_with(state, 'idle in transaction')"
    )[0]
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("way", ["announced", "chunked", "closing put", "in one request"])
async def test_a_client_that_sends_slowly_holds_no_lock(place: Place, nursery: Nursery, way: str) -> None:
    """Its bytes are reserved and its upload is claimed; while nothing comes, everybody else goes on."""
    data = some_bytes(600_000)
    digest = digest_of(data)
    coming, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield data[:400_000]
        coming.set()
        await go_on.wait()
        yield data[400_000:]

    life = Life(nursery, place)
    async with place.visit(life.url) as client:
        await client.token("team/app")
        body = Body([data], None if way == "chunked" else len(data), stream=slowly)
        if way == "in one request":
            call = client.ask("POST", f"/v2/team/app/blobs/uploads/?digest={digest}", body)
        elif way == "closing put":
            call = client.close((await client.start("team/app")).location, digest, body)
        else:
            call = client.patch((await client.start("team/app")).location, body)
        slow = asyncio.create_task(call)
        await coming.wait()
        await asyncio.sleep(0.1)

        await do_all_else(client, place)

        assert open_transactions(place) == 0
        assert not slow.done()
        go_on.set()
        reply = await slow
        if reply.status == 202:
            reply = await client.close(reply.location, digest)
        assert reply.status == 201, reply
    await asyncio.to_thread(life.stop)
    place.check(rest=True)


@pytest.mark.parametrize("step", ["append", "finish"])
async def test_a_disk_that_is_slow_for_one_upload_holds_no_lock(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Between the transactions that reserve, place and commit no other waits, however long the disk takes."""
    held, go_on = asyncio.Event(), asyncio.Event()
    append, finish = Filesystem.append, Filesystem.finish

    async def hold() -> None:
        if not held.is_set():
            held.set()
            await go_on.wait()

    async def slow_append(*args: object, **named: object) -> Progress:
        await hold()
        return await append(*args, **named)  # type: ignore[arg-type]

    async def slow_finish(storage: Filesystem, upload: UploadId, progress: Progress, key: str) -> Stat:
        await hold()
        return await finish(storage, upload, progress, key)

    monkeypatch.setattr(Filesystem, step, slow_append if step == "append" else slow_finish)
    data = some_bytes()
    async with place.open() as client:
        await client.token("team/app", "other/app")
        slow = asyncio.create_task(client.push_blob("team/app", data))
        await held.wait()

        await do_all_else(client, place)

        assert open_transactions(place) == 0
        assert not slow.done()
        go_on.set()
        assert (await slow).status == 201
        assert (await client.get_blob("team/app", digest_of(data))).body == data
    place.check(rest=True)

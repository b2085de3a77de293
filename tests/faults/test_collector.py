"""The collector beside everybody else: nothing that is needed goes, and nothing that is not needed stays."""

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from moorage import failpoints
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.gc.collector import Collector, Run
from moorage.gc.database_clock import Clock
from moorage.gc.dry_run import Forecast, forecast
from moorage.gc.phases import collect_blobs, collect_charges, collect_links
from moorage.storage.drivers import open_storage
from moorage.wiring import open_database
from tests.faults.invariants import read
from tests.faults.place import Place
from tests.faults.registry import digest_of, image, index, push_image, some_bytes

HERE, THERE = "team/app", "other/app"
POINTS = [point for point in failpoints.POINTS if point.startswith("collect.")]
POINTS = [point for point in POINTS if point not in {"collect.purged", "collect.ended", "collect.swept"}]
"""Those of trash and uploads are in test_purge.py."""


@contextlib.asynccontextmanager
async def collecting(place: Place, **given: Any) -> AsyncIterator[tuple[Collector, Database]]:
    """A collector of a place, as another process has it. Doomed bytes go at once."""
    database, storage = open_database(place.settings), open_storage(place.settings)
    await storage.open()
    try:
        yield Collector(database, storage, Clock(14400), **{"grace_seconds": -1.0, **given}), database
    finally:
        await storage.close()
        await database.close()


async def collect(place: Place, **given: Any) -> Run:
    async with collecting(place, **given) as (collector, _):
        return await collector.run()


def let_leases_end(place: Place) -> None:
    """Four hours pass."""
    past = "to_timestamp(1)" if place.database else "1"
    place.execute(f"UPDATE repository_blob SET lease_until = {past} WHERE lease_until IS NOT NULL")  # noqa: S608 - ours


def foresee(place: Place) -> Forecast:
    database = open_database(place.settings)
    try:
        return database.run_here(SYSTEM, forecast)
    finally:
        database.engine.dispose()


def used(place: Place) -> int:
    return sum(row.used_bytes for row in read(place.url)["quota_slot"])


def assert_nothing_is_left_over(place: Place) -> None:
    """I8: files are live keys, every live blob is charged, every charge linked, every link used."""
    place.check(rest=True)
    rows = read(place.url)
    held = {(row.repository_id, row.blob_id) for row in rows["artifact_blob"]}
    assert {(row.repository_id, row.blob_id) for row in rows["repository_blob"]} == held
    assert {row.state for row in rows["blob"]} <= {"live", "gone"}
    charged = {row.blob_id for row in rows["project_blob"]}
    assert {row.id for row in rows["blob"] if row.state == "live"} == charged
    files = {file.relative_to(place.storage).as_posix() for file in place.storage.rglob("data*") if file.is_file()}
    assert files == {row.key for row in rows["blob"] if row.state == "live"}


# -- what goes, and what stays ------------------------------------------------------------------------------


async def test_what_nothing_points_to_goes_and_comes_back_to_the_project(place: Place) -> None:
    needed, orphan, shared = some_bytes(), some_bytes(), some_bytes()
    async with place.open() as client:
        raw = await push_image(client, HERE, "kept", needed, shared)
        before = used(place)
        assert (await client.push_blob(HERE, orphan)).status == 201
        for name in (HERE, THERE):
            assert (await client.push_blob(name, shared)).status == 201

        assert (await collect(place)).gone.total() == 0, "leases still last"
        let_leases_end(place)
        promised = foresee(place)
        run = await collect(place)

        assert (promised.links, promised.charges, promised.blobs, promised.size_bytes) == (2, 2, 1, len(orphan))
        assert promised.largest == [(digest_of(orphan), len(orphan))]
        assert dict(run.gone) == {"links": 2, "charges": 2, "blobs": 1}
        assert (run.files, run.size_bytes, run.failed) == (1, len(orphan), 0)
        assert used(place) == before
        assert (await client.head_blob(HERE, digest_of(orphan))).status == 404
        assert await client.pull(HERE, "kept") == raw
        assert_nothing_is_left_over(place)

        again = await client.push_blob(HERE, orphan)
        assert again.status == 201
        assert (await client.get_blob(HERE, digest_of(orphan))).body == orphan
    keys = [row.key for row in read(place.url)["blob"] if bytes(row.digest) and row.size_bytes == len(orphan)]
    assert len(keys) == len(set(keys)), "a place is used once"


async def test_a_head_renews_the_lease_and_a_manifest_that_follows_finds_its_blobs(place: Place) -> None:
    layer, config = some_bytes(), b"{}"
    async with place.open() as client:
        for data in (layer, config):
            assert (await client.push_blob(HERE, data)).status == 201
        let_leases_end(place)
        for data in (layer, config):
            assert (await client.head_blob(HERE, digest_of(data))).status == 200
        await collect(place)
        assert (await client.put_manifest(HERE, "t", image(layer, config=config))).status == 201
        let_leases_end(place)
        await collect(place)
        assert await client.pull(HERE, "t") is not None
    assert_nothing_is_left_over(place)


async def test_what_is_in_the_trash_keeps_its_bytes(place: Place) -> None:
    async with place.open() as client:
        child = image(some_bytes())
        layer = some_bytes()
        raw = await push_image(client, HERE, "t", layer)
        assert child != raw
        assert (await client.delete_manifest(HERE, digest_of(raw))).status == 202
        let_leases_end(place)
        run = await collect(place)
        assert run.gone["blobs"] == 0
        assert (await client.put_manifest(HERE, "t", raw)).status == 201
        assert await client.pull(HERE, "t") == raw
        assert (
            await client.put_manifest(HERE, "i", index([raw]), "application/vnd.oci.image.index.v1+json")
        ).status == 201
        await collect(place)
        assert await client.pull(HERE, "i") is not None
    assert_nothing_is_left_over(place)


async def test_bytes_stay_while_signed_urls_may_show_them(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        assert (await client.push_blob(HERE, data)).status == 201
    let_leases_end(place)

    run = await collect(place, grace_seconds=900)

    assert (run.gone["blobs"], run.files) == (1, 0)
    assert (foresee(place).blobs, foresee(place).doomed, foresee(place).doomed_bytes) == (0, 1, len(data))
    assert (await collect(place)).files == 1
    assert_nothing_is_left_over(place)


async def test_tombstones_go_after_a_month_and_their_keys_are_deleted_once_more(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        assert (await client.push_blob(HERE, data)).status == 201
    let_leases_end(place)
    await collect(place)
    row = read(place.url)["blob"][0]
    late = place.storage / row.key
    late.parent.mkdir(parents=True, exist_ok=True)
    late.write_bytes(data)  # whoever was frozen with the file open
    assert (await collect(place)).files == 0
    assert late.exists()

    month = "interval '31 days'" if place.database else str(31 * 86_400_000_000)
    place.execute(f"UPDATE blob SET changed_at = changed_at - {month}")  # noqa: S608 - ours
    await collect(place)

    assert not late.exists()
    assert not read(place.url)["blob"]


# -- others at the same time --------------------------------------------------------------------------------


async def test_pushes_mounts_and_deletions_beside_two_collectors_lose_nothing(place: Place) -> None:
    """Each image shares a layer with all others, so that links, charges and blobs come and go all the time."""
    shared = some_bytes()
    kept: dict[str, bytes] = {}
    async with place.open() as client, collecting(place) as (one, _), collecting(place) as (two, _):
        done = asyncio.Event()
        slowest = 0.0

        async def keep_collecting(collector: Collector) -> None:
            while not done.is_set():
                let_leases_end(place)
                await collector.run()
                with contextlib.suppress(TimeoutError):  # the length of a lease here; a push takes less
                    await asyncio.wait_for(done.wait(), max(0.3, 4 * slowest))

        async def push(number: int) -> None:
            name = (HERE, THERE)[number % 2]
            own, config = some_bytes(), b"{}"
            nonlocal slowest
            for _ in range(30):  # the leases here last a moment: a client whose manifest is refused pushes again
                began = time.monotonic()
                for data in (shared, own, config):
                    if number % 3 == 0:
                        reply = await client.mount(name, data, source=(THERE, HERE)[number % 2])
                        if reply.status == 202:
                            reply = await client.close(reply.location, digest_of(data), data)
                    else:
                        reply = await client.push_blob(name, data, pieces=number % 3)
                    assert reply.status == 201, reply
                raw = image(shared, own, config=config)
                reply = await client.put_manifest(name, f"t{number}", raw)
                slowest = max(slowest, time.monotonic() - began)
                if reply.status == 201:
                    break
                assert b"MANIFEST_BLOB_UNKNOWN" in reply.body, reply
            else:
                raise AssertionError("never through")
            if number % 4 == 3:
                assert (await client.delete_manifest(name, digest_of(raw))).status == 202
            else:
                kept[f"{name} t{number}"] = raw

        collectors = [asyncio.create_task(keep_collecting(collector)) for collector in (one, two)]
        for start in range(0, 24, 6):
            await asyncio.gather(*(push(number) for number in range(start, start + 6)))
        done.set()
        await asyncio.gather(*collectors)
        for where, raw in kept.items():
            assert await client.pull(*where.split()) == raw
    let_leases_end(place)
    await collect(place)
    assert_nothing_is_left_over(place)


@pytest.mark.part("postgres")
async def test_a_collector_passes_by_what_somebody_holds(postgres_place: Place) -> None:
    """A manifest PUT has share-locked a link whose lease is over: the collector neither waits nor takes it."""
    place = postgres_place
    data = some_bytes()
    async with place.open() as client, collecting(place) as (_, database):
        assert (await client.push_blob(HERE, data)).status == 201
        let_leases_end(place)
        held, go = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def hold(work: Work) -> None:
            work.db.exec_driver_sql("SELECT 1 FROM repository_blob FOR KEY SHARE")
            loop.call_soon_threadsafe(held.set)
            asyncio.run_coroutine_threadsafe(go.wait(), loop).result(20)

        holder = asyncio.create_task(database.run(SYSTEM, hold))
        await held.wait()
        assert (await database.run(SYSTEM, collect_links)).looked == 0
        go.set()
        await holder
        assert (await database.run(SYSTEM, collect_links)).gone == 1


async def test_marks_that_came_to_nothing_are_taken_back(place: Place) -> None:
    """A link goes, and before the next level is looked at somebody links the blob again."""
    data = some_bytes()
    async with place.open() as client, collecting(place) as (collector, database):
        assert (await client.push_blob(HERE, data)).status == 201
        let_leases_end(place)
        assert (await database.run(SYSTEM, collect_links)).gone == 1
        assert (await client.push_blob(HERE, data)).status == 201
        assert (await database.run(SYSTEM, collect_charges)) == (1, 0)
        assert not [row for row in read(place.url)["project_blob"] if row.idle_since is not None]

        let_leases_end(place)
        await database.run(SYSTEM, collect_links)
        assert (await database.run(SYSTEM, collect_charges)) == (1, 1)
        assert (await client.push_blob(THERE, data)).status == 201
        assert (await database.run(SYSTEM, collect_blobs)) == (1, 0)
        assert (await client.get_blob(THERE, digest_of(data))).body == data
        assert (await collector.run()).files == 0
    place.check(rest=True)


# -- trouble ------------------------------------------------------------------------------------------------


async def test_a_key_that_cannot_be_deleted_does_not_stop_the_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = [some_bytes() for _ in range(3)]
    async with place.open() as client:
        for data in blobs:
            assert (await client.push_blob(HERE, data)).status == 201
    let_leases_end(place)
    async with collecting(place) as (collector, _):
        disk = collector._storage._disk  # type: ignore[attr-defined] # a file system
        unlink = disk.unlink

        def fail_once(path: Path) -> None:
            if path.parent.name == digest_of(blobs[1]).removeprefix("sha256:"):
                raise OSError(errno.EIO, "a bad block")
            unlink(path)

        monkeypatch.setattr(disk, "unlink", fail_once)
        run = await collector.run()
        assert (run.files, run.failed) == (2, 1)
        monkeypatch.setattr(disk, "unlink", unlink)
        assert (await collector.run()).files == 1
    assert_nothing_is_left_over(place)


async def test_a_run_that_is_stopped_goes_on_where_it_was(place: Place) -> None:
    async with place.open() as client:
        for _ in range(3):
            assert (await client.push_blob(HERE, some_bytes())).status == 201
    let_leases_end(place)
    steps = 0

    async def stop(_run: Run) -> bool:
        nonlocal steps
        steps += 1
        return steps < 2

    async with collecting(place) as (collector, _):
        first = await collector.run(stop)
        assert (first.stopped, first.files, steps) == (True, 0, 2)
        assert (await collector.run()).files == 3
    assert_nothing_is_left_over(place)


async def test_nothing_is_let_go_after_the_clock_jumped(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        assert (await client.push_blob(HERE, data)).status == 201
    let_leases_end(place)
    steady = iter([0.0, 1.0, 2.0, 3.0]).__next__
    database, storage = open_database(place.settings), open_storage(place.settings)
    await storage.open()
    clock = Clock(600, steady)
    collector = Collector(database, storage, clock, grace_seconds=-1)
    assert await database.run(SYSTEM, clock.is_trusted)
    seen, at = clock._last or pytest.fail("the clock was read")
    clock._last = (seen - timedelta(hours=5), at)
    run = await collector.run()
    assert (run.held, run.gone.total()) == (True, 0)
    assert (await collect(place)).held, "another process knows, too"
    past = "to_timestamp(1)" if place.database else "1"
    place.execute(f"UPDATE gc_state SET held_until = {past}")  # noqa: S608 - ours
    assert (await collect(place)).files == 1

    future = "clock_timestamp() + interval '5 hours'" if place.database else "seen_at + 18000000000"
    place.execute(f"UPDATE gc_state SET seen_at = {future}")  # noqa: S608 - ours
    assert (await collect(place)).held, "the database's time ran back"
    await storage.close()
    await database.close()


async def die_collecting(place: Place, point: str) -> None:
    """A collector in a process of its own, which dies at a point."""
    environment = {"MOORAGE_FAULT": f"{point}:kill"}
    if place.database:
        environment["MOORAGE_DATABASE__URL"] = place.database
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", COLLECT, str(place.data)],
        env={**os.environ, **environment},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, f"{point} was never reached"


@pytest.mark.parametrize("point", POINTS)
async def test_a_collector_that_is_killed_leaves_work_for_the_next(place: Place, point: str) -> None:
    kept, orphan = some_bytes(), some_bytes()
    async with place.open() as client:
        raw = await push_image(client, HERE, "kept", kept)
        assert (await client.push_blob(HERE, orphan)).status == 201
        let_leases_end(place)
        await die_collecting(place, point)
        place.check()
        assert await client.pull(HERE, "kept") == raw

        await collect(place)
        assert await client.pull(HERE, "kept") == raw
        assert (await client.head_blob(HERE, digest_of(orphan))).status == 404
        assert_nothing_is_left_over(place)
        assert (await client.push_blob(HERE, orphan)).status == 201


COLLECT = """
import asyncio, sys
from moorage import failpoints
from moorage.wiring import open_database
from moorage.gc.database_clock import Clock
from moorage.gc.collector import Collector
from moorage.cli.settings_loader import load
from moorage.storage.drivers import open_storage

async def main():
    settings = load({"data": sys.argv[1]}).settings
    failpoints.arm(settings.fault)
    storage = open_storage(settings)
    await storage.open()
    await Collector(open_database(settings), storage, Clock(600), grace_seconds=-1).run()

asyncio.run(main())
"""

"""Storage and database against each other: every damage is named, and nothing that is whole is called damaged."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from moorage.gc.fsck import Checked, Finding, Fsck, Wanted
from moorage.storage.drivers import open_storage
from moorage.wiring import open_database
from tests.faults.invariants import read
from tests.faults.place import Place
from tests.faults.registry import INDEX, digest_of, image, index, push_image, some_bytes

HERE, THERE = "team/app", "other/app"


async def check(place: Place, **wanted: bool) -> list[Finding]:
    database, storage = open_database(place.settings), open_storage(place.settings)
    await storage.open()

    async def watch(_checked: Checked) -> None:
        return

    try:
        return (await Fsck(database, storage, Wanted(**wanted)).run(watch)).findings
    finally:
        await storage.close()
        await database.close()


def file_of(place: Place, data: bytes) -> Path:
    hashed = bytes.fromhex(digest_of(data).removeprefix("sha256:"))
    [row] = [row for row in read(place.url)["blob"] if row.state == "live" and bytes(row.digest)[1:] == hashed]
    found: Path = place.storage / row.key
    return found


async def test_a_healthy_store_has_no_findings_also_while_uploads_are_open(place: Place) -> None:
    async with place.open() as client:
        await push_image(client, HERE, "t", some_bytes(), some_bytes())
        reply = await client.start(HERE)
        assert (await client.patch(reply.location, some_bytes())).status == 202
        assert await check(place, rehash=True) == []
    place.check()


async def test_every_damage_is_named_with_what_it_breaks(place: Place) -> None:
    lost, short, rotten, touched, fine = (some_bytes() for _ in range(5))
    async with place.open() as client:
        await push_image(client, HERE, "one", lost, fine)
        await push_image(client, THERE, "two", lost, short)
        await push_image(client, HERE, "three", rotten, touched)
    file_of(place, lost).unlink()
    file_of(place, short).write_bytes(short[:-1])
    data = file_of(place, rotten)
    data.write_bytes(bytes([rotten[0] ^ 1]) + rotten[1:])
    os.utime(file_of(place, touched), (1, 1))

    found = {one.digest: one for one in await check(place)}

    assert {digest: one.damage for digest, one in found.items()} == {
        digest_of(lost): "lost", digest_of(short): "short", digest_of(rotten): "wrong", digest_of(touched): "touched",
    }  # fmt: skip
    assert found[digest_of(lost)].breaks == (f"{THERE}:two", f"{HERE}:one")
    assert found[digest_of(rotten)].breaks == (f"{HERE}:three",)

    async with place.open() as client:  # pushing again heals
        for data_ in (lost, short, rotten):
            assert (await client.push_blob(HERE, data_)).status == 201
        assert {one.damage for one in await check(place)} == {"touched"}
        assert [one.mended for one in await check(place, repair=True)] == ["sealed anew"]
        assert await check(place, rehash=True) == []
        for name, tag in ((HERE, "one"), (THERE, "two"), (HERE, "three")):
            assert await client.pull(name, tag) is not None
    place.check(rest=True)


async def test_bytes_that_rotted_below_their_seal_are_found_by_hashing(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        assert (await client.push_blob(HERE, data)).status == 201
    path = file_of(place, data)
    path.write_bytes(data[::-1])
    storage = open_storage(place.settings)
    await storage.open()
    stat = await storage.stat(path.relative_to(place.storage).as_posix())
    await storage.close()
    assert stat is not None
    place.execute(f"UPDATE blob SET seal = '{stat.seal}'")  # noqa: S608 - as if the disk had turned the bits

    assert await check(place) == []
    assert [one.damage for one in await check(place, rehash=True)] == ["wrong"]


async def test_a_lost_blob_is_given_bytes_that_lie_about(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        raw = await push_image(client, HERE, "t", data)
        path = file_of(place, data)
        shutil.move(path, path.with_name(f"data.{'0' * 32}"))
        path.with_name(f"data.{'1' * 32}").write_bytes(data[::-1])

        assert sorted(one.damage for one in await check(place)) == ["lost", "unknown", "unknown"]
        found = {one.damage: one for one in await check(place, repair=True)}

        assert found["lost"].mended.endswith("0" * 32)
        assert (found["unknown"].key[-32:], found["unknown"].mended) == ("1" * 32, "")
        assert await client.pull(HERE, "t") == raw
        assert [one.mended for one in await check(place, delete_unknown=True)] == ["given to the collector"]
        assert await check(place) == []
    rows = [(row.state, row.key[-32:]) for row in read(place.url)["blob"] if row.state != "live"]
    assert ("doomed", "1" * 32) in rows
    assert len(rows) == 2, "and the place that was lost has a row of its own"


async def test_leftovers_of_uploads_are_removed(place: Place) -> None:
    left = place.storage / "uploads" / ("a" * 32)
    left.mkdir(parents=True)
    (left / "data").write_bytes(b"of a database that was restored")

    assert [one.damage for one in await check(place)] == ["leftover"]
    assert [one.mended for one in await check(place, repair=True)] == ["removed"]
    assert not left.exists()
    assert await check(place) == []


async def test_the_command_says_what_to_do_and_ends_with_1(sqlite_place: Place) -> None:
    place, data = sqlite_place, some_bytes()
    async with place.open() as client:
        await push_image(client, HERE, "t", data)

    def fsck(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "moorage", "fsck", "--data", str(place.data), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    healthy = await asyncio.to_thread(fsck)
    assert (healthy.returncode, healthy.stderr) == (0, "")
    assert healthy.stdout == "2 blobs and 2 objects fit each other. Nothing is wrong.\n"

    file_of(place, data).unlink()
    told = await asyncio.to_thread(fsck)
    assert told.returncode == 1
    assert f"    breaks {HERE}:t\n" in told.stdout
    assert "Push the images named above again" in told.stdout
    [finding] = json.loads((await asyncio.to_thread(fsck, "--json")).stdout)["findings"]
    assert (finding["damage"], finding["digest"], finding["breaks"]) == ("lost", digest_of(data), [f"{HERE}:t"])


async def test_counters_and_flags_that_are_wrong_are_named_and_counted_anew(place: Place) -> None:
    async with place.open() as client:
        raw = await push_image(client, HERE, "t", some_bytes())
        both = index([raw, await push_image(client, HERE, "", some_bytes())])
        assert (await client.put_manifest(HERE, "i", both, INDEX)).status == 201
        signed = image(config=b"{}", subject=raw)
        assert (await client.put_manifest(HERE, digest_of(signed), signed)).status == 201
        gone = await push_image(client, HERE, "gone", some_bytes())
        assert (await client.delete_manifest(HERE, digest_of(gone))).status == 202
        opened = await client.start(HERE)
        assert (await client.patch(opened.location, b"unfinished")).status == 202
        assert await check(place) == []
        for statement in (
            "UPDATE quota_slot SET used_bytes = used_bytes + 5",
            "UPDATE quota SET trash_bytes = trash_bytes - 5",
            "UPDATE project_blob SET holding = 'trash' WHERE holding = 'used'",
            "UPDATE artifact SET tagged = NOT tagged, child = NOT child, accessory = NOT accessory",
            "UPDATE repository SET artifact_count = 7",
            "UPDATE project SET repository_count = repository_count + 3, has_trash = false",
        ):
            place.execute(statement)

        found = await check(place)

        assert {one.damage for one in found} == {"sum"}
        assert {one.key for one in found} >= {
            f"repository {HERE}: tagged", f"repository {HERE}: child", f"repository {HERE}: accessory",
            f"repository {HERE}: artifact_count", "project team: holding", "project team: used_bytes",
            "project team: trash_bytes", "project team: repository_count", "project other: used_bytes",
        }  # fmt: skip
        (count,) = [one for one in found if one.key.endswith("artifact_count")]
        assert (count.counted, count.mended) == (7, "")
        mended = await check(place, repair=True)
        assert {one.key for one in mended} == {one.key for one in found}
        assert {one.mended for one in mended} == {"counted anew"}
        assert await check(place) == []
        place.check()
        assert await client.pull(HERE, "i") == both


async def test_sums_are_counted_anew_beside_pushes_and_deletions(place: Place) -> None:
    """Each change of a counter meets the counting somewhere, and at the end all fits."""
    async with place.open() as client:
        done = asyncio.Event()

        async def push(number: int) -> None:
            for turn in range(4):
                raw = await push_image(client, HERE, f"t{number}", some_bytes(), b"shared")
                if turn % 2:
                    assert (await client.delete_manifest(HERE, digest_of(raw))).status == 202

        async def spoil_and_mend() -> None:
            while not done.is_set():
                await asyncio.to_thread(place.execute, "UPDATE quota_slot SET used_bytes = used_bytes + 1")
                assert {one.damage for one in await check(place, repair=True)} == {"sum"}

        mending = asyncio.create_task(spoil_and_mend())
        await asyncio.gather(*(push(number) for number in range(4)))
        done.set()
        await mending
    assert await check(place) == []
    place.check(rest=True)

"""What was deleted goes for good when its time is over, and nothing else with it."""

import asyncio
import json

import pytest

from moorage.events import SYSTEM
from moorage.projects.service import delete_project
from moorage.trash.purge import Step, find_due, purge_some, start_purge
from moorage.wiring import open_database
from tests.faults.invariants import read
from tests.faults.place import ADMIN, Place
from tests.faults.registry import INDEX, Client, digest_of, image, index, push_image, some_bytes
from tests.faults.test_collector import (
    assert_nothing_is_left_over,
    collect,
    die_collecting,
    foresee,
    let_leases_end,
    used,
)

HERE, THERE = "team/app", "other/app"


def let_trash_end(place: Place) -> None:
    """Seven days pass."""
    past = "to_timestamp(1)" if place.database else "1"
    place.execute(f"UPDATE trash SET purge_at = {past}")  # noqa: S608 - ours


def let_uploads_end(place: Place) -> None:
    """A day passes."""
    past = "to_timestamp(1)" if place.database else "1"
    place.execute(f"UPDATE upload SET expires_at = {past}, claim_until = {past}")  # noqa: S608 - ours


async def deleted(client: Client, tag: str, *layers: bytes, name: str = HERE) -> bytes:
    """An image that was pushed and deleted."""
    raw = await push_image(client, name, tag, *layers)
    assert (await client.delete_manifest(name, digest_of(raw))).status == 202
    return raw


async def test_what_was_deleted_stays_for_its_time_and_goes_after_it_with_its_bytes(place: Place) -> None:
    kept, layer = some_bytes(), some_bytes()
    async with place.open() as client:
        raw = await push_image(client, HERE, "kept", kept)
        before = used(place)
        gone = await deleted(client, "gone", layer, kept)
        let_leases_end(place)

        run = await collect(place)
        assert (run.gone["acts"], run.gone["artifacts"], run.gone["blobs"]) == (0, 0, 0)
        let_trash_end(place)
        assert foresee(place).acts == 1
        run = await collect(place)
        assert (run.gone["acts"], run.gone["artifacts"], run.gone["blobs"]) == (1, 1, 0), "the lease is a new one"
        place.check()
        rows = read(place.url)
        assert [row.trash_id for row in rows["artifact"]] == [None]
        assert not rows["trash"]
        assert [row.ended_by for row in rows["tag_history"] if row.until is not None] == ["deleted"]
        assert (await client.head_blob(HERE, digest_of(layer))).status == 200
        assert await client.pull(HERE, digest_of(gone)) is None

        let_leases_end(place)
        assert foresee(place).size_bytes == len(layer)
        assert (await collect(place)).size_bytes == len(layer)
        assert used(place) == before
        assert (await client.head_blob(HERE, digest_of(layer))).status == 404
        assert await client.pull(HERE, "kept") == raw
    assert_nothing_is_left_over(place)


async def test_who_was_told_that_a_blob_is_there_before_its_holder_was_purged_finds_it(place: Place) -> None:
    layer, config = some_bytes(), b"{}"
    async with place.open() as client:
        await deleted(client, "gone", layer)
        let_leases_end(place)
        await collect(place)  # held by what is in the trash: no lease any more
        assert (await client.head_blob(HERE, digest_of(layer))).status == 200
        let_trash_end(place)
        await collect(place)
        await collect(place)
        assert (await client.put_manifest(HERE, "again", image(layer, config=config))).status == 201
        assert await client.pull(HERE, "again") is not None
    place.check(rest=True)


async def test_a_child_that_another_deleted_index_names_goes_with_that_one(place: Place) -> None:
    layers = [some_bytes() for _ in range(3)]
    async with place.open() as client:
        children = [await push_image(client, HERE, f"c{number}", layer) for number, layer in enumerate(layers)]
        first, second = index(children[:2]), index(children[1:])
        for raw in (first, second):
            assert (await client.put_manifest(HERE, digest_of(raw), raw, INDEX)).status == 201
        for number in range(3):
            assert (await client.delete_manifest(HERE, f"c{number}")).status == 202
        assert (await client.delete_manifest(HERE, digest_of(first))).status == 202
        (one,) = [row.id for row in read(place.url)["trash"] if row.kind == "artifact"]
        assert (await client.put_manifest(HERE, "back", children[1])).status == 201
        assert (await client.delete_manifest(HERE, digest_of(second))).status == 202
        # The shared child is tagged and stays; now it goes by itself, under the third act.
        assert (await client.delete_manifest(HERE, digest_of(children[1]))).status == 202
        acts = [row.id for row in read(place.url)["trash"] if row.kind == "artifact"]
        place.execute(f"UPDATE trash SET purge_at = {'to_timestamp(1)' if place.database else 1} WHERE id = {acts[2]}")  # noqa: S608 - ours

        assert (await collect(place)).gone["artifacts"] == 0
        rows = read(place.url)
        assert [row.id for row in rows["trash"] if row.kind == "artifact"] == acts[:2]
        assert {row.trash_id for row in rows["artifact"]} == set(acts[:2])
        assert one == acts[0]
        for act in acts[:2]:
            restored = await client.api("POST", f"/trash/{act}/restore", {})
            assert restored.status == 200, restored
        for raw in (first, second):
            assert await client.pull(HERE, digest_of(raw)) == raw
    place.check(rest=True)


async def test_a_repository_goes_in_parts_with_all_that_it_ever_held(place: Place) -> None:
    async with place.open() as client:
        other = await push_image(client, THERE, "kept", some_bytes())
        before = used(place)
        children = [await push_image(client, HERE, f"c{number}", some_bytes()) for number in range(4)]
        raw = index(children)
        assert (await client.put_manifest(HERE, "all", raw, INDEX)).status == 201
        assert (await client.delete_manifest(HERE, "c0")).status == 202
        await deleted(client, "alone", some_bytes())
        opened = await client.start(HERE)
        assert (await client.patch(opened.location, b"unfinished")).status == 202
        reply = await client.api("DELETE", "/projects/team/repositories/app")
        assert reply.status == 200, reply
        again = await push_image(client, HERE, "new", some_bytes())
        after = used(place)
        let_trash_end(place)

        database = open_database(place.settings)
        try:
            due = database.run_here(SYSTEM, find_due)
            (whole,) = [row.id for row in read(place.url)["trash"] if row.kind == "repository"]
            assert len(due) == 3
            assert database.run_here(SYSTEM, start_purge, whole)
            steps: list[Step] = []
            while not steps or steps[-1].state == "more":
                steps.append(database.run_here(SYSTEM, purge_some, whole, lease_seconds=600, limit=2))
                place.check()
        finally:
            database.engine.dispose()
        assert [step.artifacts for step in steps] == [2, 2, 2, 0]
        assert steps[-1].state == "waits"
        await collect(place)
        let_leases_end(place)
        await collect(place)
        run = await collect(place)
        assert (run.gone["acts"], foresee(place).acts) == (1, 0)
        rows = read(place.url)
        assert sorted(row.path for row in rows["repository"]) == [THERE, HERE]
        assert not rows["trash"]
        assert used(place) < after
        assert await client.pull(HERE, "new") == again
        assert await client.pull(THERE, "kept") == other
        assert (await client.delete_manifest(HERE, digest_of(again))).status == 202
        let_trash_end(place)
        await collect(place)
        let_leases_end(place)
        await collect(place)
        assert used(place) == before
    assert_nothing_is_left_over(place)


async def test_a_project_goes_with_everything_that_was_in_it(place: Place) -> None:
    async with place.open() as client:
        await deleted(client, "a", some_bytes())
        await push_image(client, "team/deep/er", "b", some_bytes())
        assert (await client.push_blob("team/loose", some_bytes())).status == 201
        assert (await client.api("DELETE", "/projects/team/repositories/deep%252Fer")).status == 200
        await push_image(client, THERE, "kept", some_bytes())
    async with place.open(ADMIN) as admin:
        made = await admin.api("POST", "/labels", {"name": "x", "scope": "p", "project_id": project_id(place, "team")})
        assert made.status == 201, made
    database = open_database(place.settings)
    database.run_here(SYSTEM, delete_project, project_id(place, "team"))
    database.engine.dispose()
    let_trash_end(place)

    for _ in range(4):
        await collect(place)
        let_leases_end(place)
        place.check()

    rows = read(place.url)
    assert sorted(row.name for row in rows["project"]) == ["library", "other"]
    assert [row.path for row in rows["repository"]] == [THERE]
    assert not rows["trash"]
    assert {row.project_id for row in rows["quota_slot"]} == {row.id for row in rows["project"]}
    assert_nothing_is_left_over(place)


def project_id(place: Place, name: str) -> int:
    found: int = next(row.id for row in read(place.url)["project"] if row.name == name)
    return found


async def test_without_a_trash_all_goes_with_the_next_run(place: Place) -> None:
    place.execute("UPDATE project SET trash_days = 0")
    async with place.open() as client:
        await deleted(client, "gone", some_bytes())
        assert json.loads((await client.api("GET", "/projects/team/trash")).body) == []
        assert (await collect(place)).gone["acts"] == 1
        let_leases_end(place)
        assert (await collect(place)).gone["blobs"] == 2
        assert used(place) == 0
    assert_nothing_is_left_over(place)


async def test_an_upload_that_nobody_goes_on_with_goes(place: Place) -> None:
    async with place.open() as client:
        opened = await client.start(HERE)
        for _ in range(2):
            other = await client.start(HERE)
            assert (await client.patch(other.location, some_bytes())).status == 202
        assert (await client.patch(opened.location, some_bytes())).status == 202
        assert (await collect(place)).gone["uploads"] == 0
        let_uploads_end(place)
        assert foresee(place).uploads == 3
        assert (await collect(place)).gone["uploads"] == 3
        assert (await client.ask("GET", opened.location)).status == 404
        assert used(place) == 0
    assert_nothing_is_left_over(place)


async def test_of_a_restore_and_a_purge_one_wins(place: Place) -> None:
    async with place.open() as client:
        for number in range(6):
            raw = await deleted(client, f"t{number}", some_bytes())
            (act,) = [row.id for row in read(place.url)["trash"] if not row.purging]
            back, gone = await asyncio.gather(
                client.api("POST", f"/trash/{act}/restore", {}), client.api("DELETE", f"/trash/{act}")
            )
            first, second = sorted([back.status, gone.status])
            assert first == 200, (back, gone)
            assert second in {403, 404}, (back, gone)
            assert await client.pull(HERE, f"t{number}") == (raw if back.status == 200 else None)
            place.check()


@pytest.mark.parametrize("point", ["collect.purged", "purge.marked", "purge.taken", "collect.ended", "collect.swept"])
async def test_a_run_that_is_killed_while_it_purges_is_finished_by_the_next(place: Place, point: str) -> None:
    shared = some_bytes()
    async with place.open() as client:
        kept = await push_image(client, HERE, "kept", shared)
        for number in range(3):
            await deleted(client, f"t{number}", some_bytes(), shared)
        opened = await client.start(HERE)
        assert (await client.patch(opened.location, some_bytes())).status == 202
    let_trash_end(place)
    let_uploads_end(place)
    await die_collecting(place, point)
    place.check()

    await collect(place)
    let_leases_end(place)
    await collect(place)
    async with place.open() as client:
        assert await client.pull(HERE, "kept") == kept
    rows = read(place.url)
    assert (len(rows["artifact"]), len(rows["trash"]), len(rows["upload"])) == (1, 0, 0)
    assert_nothing_is_left_over(place)

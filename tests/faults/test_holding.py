"""What a project is charged for while things go to the trash, come back and are purged."""

import asyncio
import json
import threading
import time
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from moorage import failpoints
from moorage.db.engine import Database
from moorage.events import SYSTEM
from moorage.trash.purge import purge_some, start_purge
from moorage.trash.quota_reclaim import find_oldest
from moorage.trash.restore import restore
from tests.faults.invariants import read
from tests.faults.place import Place
from tests.faults.registry import Client, digest_of, image, push_image, some_bytes
from tests.faults.test_collector import assert_nothing_is_left_over, collect, let_leases_end
from tests.faults.test_purge import deleted, let_trash_end

HERE, THERE = "team/app", "team/other"


class Figures(NamedTuple):
    """Of a project, in bytes."""

    used: int
    trash: int


async def figures(client: Client, project: str = "team") -> Figures:
    """As the API shows them."""
    quota = json.loads((await client.api("GET", f"/projects/{project}/summary")).body)["quota"]
    return Figures(quota["used"]["storage"], quota["trash"])


async def entries(client: Client, project: str = "team") -> list[int]:
    """What is in the trash, what was deleted first first."""
    return [one["id"] for one in json.loads((await client.api("GET", f"/projects/{project}/trash?sort=id")).body)]


async def test_used_drops_at_once_with_what_nothing_else_needs_and_comes_back(place: Place) -> None:
    own, shared, config = some_bytes(), some_bytes(), b"{}"
    async with place.open() as client:
        kept = await push_image(client, HERE, "kept", shared)
        before = await figures(client)
        assert before == (len(shared) + len(config) + len(kept), 0)
        raw = await deleted(client, "gone", own, shared)
        size = len(own) + len(raw)
        assert await figures(client) == (before.used, size)
        place.check()

        (entry,) = await entries(client)
        assert (await client.api("POST", f"/trash/{entry}/restore", {})).status == 200
        assert await figures(client) == (before.used + size, 0)
        place.check()
        assert (await client.api("DELETE", "/projects/team/repositories/app")).status == 200
        assert await figures(client) == (0, before.used + size)
        place.check()
        (entry,) = await entries(client)
        assert (await client.api("POST", f"/trash/{entry}/restore", {})).status == 200
        assert await figures(client) == (before.used + size, 0)
    rows = read(place.url)
    assert [row.has_trash for row in rows["project"] if row.name == "team"] == [False], "pushes need not look any more"
    place.check(rest=True)


async def test_a_push_of_what_only_the_trash_holds_takes_it_off_the_trash(place: Place) -> None:
    layer = some_bytes()
    async with place.open() as client:
        raw = await deleted(client, "gone", layer)
        assert await figures(client) == (0, len(layer) + 2 + len(raw))
        assert (await client.push_blob(HERE, layer)).status == 201
        assert await figures(client) == (0, len(layer) + 2 + len(raw)), "nothing live needs it yet"
        other = image(layer, config=b"{}") + b" "
        assert (await client.put_manifest(HERE, "other", other)).status == 201
        assert await figures(client) == (len(layer) + 2 + len(other), len(raw))
        place.check()
        assert (await client.put_manifest(HERE, "again", raw)).status == 201
        assert await figures(client) == (len(layer) + 2 + len(other) + len(raw), 0)
    place.check(rest=True)


async def test_a_copy_of_what_the_trash_holds_too_counts_once(place: Place) -> None:
    layer = some_bytes()
    async with place.open() as client:
        raw = await push_image(client, HERE, "t", layer)
        copied = await client.api("POST", "/projects/team/repositories/other/artifacts?from=team/app:t")
        assert copied.status == 201, copied
        size = len(layer) + 2
        assert await figures(client) == (size + 2 * len(raw), 0)
        for name, left in ((HERE, (size + len(raw), len(raw))), (THERE, (0, size + 2 * len(raw)))):
            assert (await client.delete_manifest(name, digest_of(raw))).status == 202
            assert await figures(client) == left
            place.check()
        back = await entries(client)
        assert (await client.api("POST", f"/trash/{back[1]}/restore", {})).status == 200
        copied = await client.api("POST", "/projects/team/repositories/app/artifacts?from=team/other:t")
        assert copied.status == 201, copied
        assert await figures(client) == (size + 2 * len(raw), 0)
    place.check(rest=True)


async def test_what_a_purge_released_is_paid_again_by_who_pushes_it_and_by_nobody_else(place: Place) -> None:
    layer, config = some_bytes(), b"{}"
    async with place.open() as client:
        await deleted(client, "gone", layer, config)
        let_trash_end(place)
        await collect(place)
        assert await figures(client) == (0, 0), "paid no more, though it lies there for a lease"
        place.check()
        assert (await client.head_blob(HERE, digest_of(layer))).status == 200

        soon = "clock_timestamp() + interval '60 seconds'" if place.database else "lease_until - 14340000000"
        place.execute(f"UPDATE repository_blob SET lease_until = {soon}")  # noqa: S608 - ours: a minute of the lease is left
        assert (await client.head_blob(HERE, digest_of(layer))).status == 404, "nobody keeps it without paying"

        replies = await asyncio.gather(*(client.push_blob(name, layer) for name in (HERE, THERE, HERE)))
        assert [reply.status for reply in replies] == [201] * 3
        assert await figures(client) == (len(layer), 0)
        place.check()
        raw = image(layer, config=config)
        assert (await client.put_manifest(HERE, "t", raw)).status == 201, "the config is still there, and is paid now"
        assert await figures(client) == (len(layer) + len(config) + len(raw), 0)
        let_leases_end(place)
        await collect(place)
        assert await client.pull(HERE, "t") == raw
    assert_nothing_is_left_over(place)


async def test_where_there_is_no_room_the_oldest_of_the_trash_goes_first(place: Place) -> None:
    place.make_project("small", 12_000)
    async with place.open() as client:
        for tag in ("first", "second", "third"):
            await deleted(client, tag, some_bytes(), name="small/app")
        kept = await entries(client, "small")
        assert len(kept) == 3
        layer = some_bytes()
        raw = await push_image(client, "small/app", "new", layer)
        assert await entries(client, "small") == kept[1:], "no more than was needed"
        place.check()
        assert (await client.api("POST", f"/trash/{kept[0]}/restore", {})).status == 403
        large = some_bytes(6_000)
        assert (await client.push_blob("small/app", large, pieces=2)).status == 201
        assert await entries(client, "small") == []
        assert await client.pull("small/app", "new") == raw
        place.check()

        refused = await client.push_blob("small/app", some_bytes(6_000))
        assert refused.status == 403
        facts = json.loads(refused.body)["errors"][0]["detail"]
        assert (facts["reason"], facts["limit_bytes"], facts["trash_bytes"]) == ("QUOTA_EXCEEDED", 12_000, 0)
    place.check()


async def test_the_trash_does_not_go_for_a_push_that_would_be_refused_all_the_same(place: Place) -> None:
    place.make_project("small", 12_000)
    async with place.open() as client:
        await deleted(client, "gone", some_bytes(), name="small/app")
        await push_image(client, "small/app", "kept", some_bytes())
        kept = await entries(client, "small")
        assert (await client.push_blob("small/app", some_bytes(9_000))).status == 403
        assert await entries(client, "small") == kept
        listed = await client.api("GET", "/projects/small/summary")
        assert json.loads(listed.body)["quota"]["trash"] > 3_000
    place.check()


@pytest.mark.parametrize(("other", "left"), [("purge", 1), ("restore", 0), ("purge all", 0)])
async def test_who_finds_the_oldest_of_the_trash_taken_meanwhile_looks_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, other: str, left: int
) -> None:
    place.make_project("small", 9_000)
    run_here, met = Database.run_here, list[Any]()

    def purge(self: Database, act: int) -> None:
        run_here(self, SYSTEM, start_purge, act, early=True)
        while run_here(self, SYSTEM, purge_some, act, lease_seconds=60).state != "done":
            pass

    def beside(self: Database, actor: Any, story: Any, *args: Any, **kwargs: Any) -> Any:
        """Whoever looks for the oldest is beaten by somebody else, once."""
        if story is not find_oldest or met:
            return run_here(self, actor, story, *args, **kwargs)
        if other == "purge all":
            for act in kept:
                purge(self, act)
        met.append(run_here(self, actor, story, *args, **kwargs))
        if other == "purge":
            purge(self, met[0])
        elif other == "restore":
            run_here(self, SYSTEM, restore, met[0])
        return met[0]

    async with place.open() as client:
        for tag in ("first", "second"):
            await deleted(client, tag, some_bytes(), name="small/app")
        kept = await entries(client, "small")
        monkeypatch.setattr(Database, "run_here", beside)
        assert (await client.push_blob("small/app", some_bytes())).status == 201
        assert met == ([None] if other == "purge all" else kept[:1])
        assert await entries(client, "small") == kept[len(kept) - left :]
        place.check()
    place.check()


async def test_a_repository_in_the_trash_makes_room_part_by_part(place: Place) -> None:
    place.make_project("small", 40_000)
    async with place.open() as client:
        for number in range(10):
            await push_image(client, "small/app", f"t{number}", some_bytes())
        assert (await client.api("DELETE", "/projects/small/repositories/app")).status == 200
        assert (await figures(client, "small")).used == 0
        await asyncio.gather(*(push_image(client, "small/new", f"t{number}", some_bytes()) for number in range(10)))
        place.check()
        assert await entries(client, "small") == []
        assert len(await client.list_tags("small/new")) == 10
    let_leases_end(place)
    await collect(place)
    await collect(place)
    assert_nothing_is_left_over(place)


async def test_without_a_trash_what_was_deleted_is_not_paid_from_the_next_run_on(place: Place) -> None:
    place.execute("UPDATE project SET trash_days = 0")
    async with place.open() as client:
        await deleted(client, "gone", some_bytes())
        shown = await figures(client)
        assert (shown.used, shown.trash > 3_000) == (0, True)
        await collect(place)
        assert await figures(client) == (0, 0)
    place.check()


async def test_a_blob_that_is_deleted_while_what_needs_it_comes_back_stays(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = some_bytes()
    async with place.open() as client:
        raw = await deleted(client, "t", layer)
        (entry,) = await entries(client)
        written = threading.Event()

        def sleep(seconds: float) -> None:
            written.set()
            time.sleep(seconds)

        monkeypatch.setattr(failpoints, "time", SimpleNamespace(sleep=sleep))
        failpoints.arm("restore.written:sleep")  # a second, in the transaction

        async def unlink() -> int:
            assert await asyncio.to_thread(written.wait, 60)
            return (await client.delete_blob(HERE, digest_of(layer))).status

        restored, status = await asyncio.gather(client.api("POST", f"/trash/{entry}/restore", {}), unlink())

        assert (restored.status, status) == (200, 405)
        assert await client.pull(HERE, "t") == raw
    place.check(rest=True)

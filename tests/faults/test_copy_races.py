"""Copies, pushes and deletes that meet in one repository: they wait for each other, and never in a circle."""

import asyncio
import json
import random
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from moorage.db import engine
from tests.faults.place import Place
from tests.faults.registry import INDEX, Client, digest_of, image, index, push_image, some_bytes

SOURCE = "team/app"


@pytest.fixture
def deadlocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What PostgreSQL gave up because transactions waited in a circle; every story is repeated then, so nobody sees."""
    found: list[str] = []
    judge = engine._unavailable  # every error of the database passes here

    def watch(error: DBAPIError) -> object:
        if getattr(error.orig, "sqlstate", None) == "40P01":
            found.append(str(error.orig))
        return judge(error)

    monkeypatch.setattr(engine, "_unavailable", watch)
    return found  # type: ignore[return-value]


async def copy(client: Client, to: str, source: str) -> int:
    """Copy an artifact to `project/repository`; the status."""
    project, _, name = to.partition("/")
    reply = await client.api("POST", f"/projects/{project}/repositories/{name}/artifacts?from={source}")
    return reply.status


async def test_copies_of_what_shares_children_meet_pushes_of_them_and_nobody_waits_in_a_circle(
    place: Place, deadlocks: list[str]
) -> None:
    """Indexes name the same children in different orders, and tags move between them."""
    chance = random.Random(1)
    layers = [some_bytes(300) for _ in range(8)]
    async with place.open() as client:
        await client.token("other/app")
        children = [await push_image(client, SOURCE, "", layer) for layer in layers]
        names = [f"x{n}" for n in range(6)]
        for name in names:
            order = chance.sample(children, len(children))
            assert (await client.put_manifest(SOURCE, name, index(order, note=name), INDEX)).status == 201
        for turn in range(3):
            to = f"other/app{turn}"
            for data in (*layers, b"{}"):
                assert (await client.push_blob(to, data)).status == 201
            calls = [copy(client, to, f"{SOURCE}:{name}") for name in names * 2]
            pushes = [client.put_manifest(to, chance.choice(names), raw) for raw in chance.sample(children, 8)]
            copied, pushed = await asyncio.gather(asyncio.gather(*calls), asyncio.gather(*pushes))
            assert set(copied) == {201}
            assert {reply.status for reply in pushed} == {201}
            for name in names:
                assert await client.pull(to, name)
            place.check()
    assert deadlocks == []
    place.check(rest=True)


async def test_two_ways_between_projects_at_once(place: Place, deadlocks: list[str]) -> None:
    async with place.open() as client:
        for project in ("team", "other"):
            for n in range(4):
                await push_image(client, f"{project}/app", f"{project}{n}", some_bytes(200))
        calls = [
            call
            for n in range(4)
            for call in (
                copy(client, "other/app", f"team/app:team{n}"),
                copy(client, "team/app", f"other/app:other{n}"),
                copy(client, "team/app", f"team/app:team{n}"),
            )
        ]
        assert set(await asyncio.gather(*calls)) == {201}
        assert set(await client.list_tags("team/app")) == set(await client.list_tags("other/app"))
    assert deadlocks == []
    place.check(rest=True)


async def test_artifacts_that_are_deleted_by_tag_at_once_do_not_wait_in_a_circle(
    place: Place, deadlocks: list[str]
) -> None:
    async with place.open() as client:
        for n in range(12):
            await push_image(client, SOURCE, f"t{n}", some_bytes(200))
        replies = await asyncio.gather(
            *(client.api("DELETE", f"/projects/team/repositories/app/artifacts/t{n}") for n in range(12))
        )
        assert {reply.status for reply in replies} == {200}
        assert await client.list_tags(SOURCE) == []
    assert deadlocks == []
    place.check(rest=True)


async def test_indexes_that_name_the_same_children_in_another_order_do_not_wait_in_a_circle(
    place: Place, deadlocks: list[str]
) -> None:
    chance = random.Random(2)
    async with place.open() as client:
        for turn in range(3):
            children = [await push_image(client, SOURCE, "", some_bytes(100)) for _ in range(12)]
            raws = [index(chance.sample(children, 12), note=f"{turn} {n}") for n in range(10)]
            replies = await asyncio.gather(
                *(client.put_manifest(SOURCE, f"t{turn}-{n}", raw, INDEX) for n, raw in enumerate(raws))
            )
            assert {reply.status for reply in replies} == {201}
    assert deadlocks == []
    place.check(rest=True)


async def test_a_copy_and_the_deletion_of_its_source_are_never_half_done(place: Place) -> None:
    outcomes = set()
    async with place.open() as client:
        for n in range(12):
            child = await push_image(client, f"team/app{n}", "", some_bytes(200))
            raw = index([child, image(b"{}", note=str(n))][:1], note=str(n))
            assert (await client.put_manifest(f"team/app{n}", "x", raw, INDEX)).status == 201
            copied, deleted = await asyncio.gather(
                copy(client, f"other/app{n}", f"team/app{n}:x"),
                client.api("DELETE", f"/projects/team/repositories/app{n}"),
            )
            outcomes.add((copied, deleted.status))
            pulled = await client.pull(f"other/app{n}", "x")
            assert pulled == (raw if copied == 201 else None)
            if copied == 201:
                assert await client.pull(f"other/app{n}", digest_of(child)) == child
    assert outcomes <= {(201, 200), (404, 200)}, json.dumps(sorted(outcomes))
    place.check(rest=True)

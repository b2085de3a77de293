"""Many clients at once at the limits of repositories and tags: exactly what fits, and a counter that is right."""

import asyncio
import json

from moorage.events import SYSTEM
from moorage.projects.service import get_project
from moorage.quotas.limits import set_limits
from moorage.wiring import open_database
from tests.faults.place import ADMIN, Place
from tests.faults.registry import Answer, Client, digest_of, image, push_image, some_bytes
from tests.faults.test_races import gather


def limit(place: Place, *, repositories: int | None = None, tags: int | None = None) -> None:
    """Set limits of the project `team`."""
    database = open_database(place.settings)
    try:
        database.run_here(
            SYSTEM,
            lambda work: set_limits(work, get_project(work, "team").id, repositories=repositories, tags=tags),
        )
    finally:
        database.engine.dispose()


def tally(replies: list[Answer], done: int) -> tuple[int, int]:
    """How many were done, and how many refused for the limit; nothing else may have happened."""
    refused = [reply for reply in replies if reply.status == 403]
    for reply in refused:
        assert json.loads(reply.body)["errors"][0]["detail"]["reason"] == "PROJECT_FULL", reply
    good = [reply for reply in replies if reply.status == done]
    assert len(good) + len(refused) == len(replies), [reply for reply in replies if reply.status not in {403, done}]
    return len(good), len(refused)


async def fill(client: Client, repository: str, layer: bytes) -> None:
    """Push the blobs of images without any image."""
    for data in (layer, b"{}"):
        assert (await client.push_blob(repository, data)).status == 201


async def test_40_new_tags_in_5_repositories_at_a_limit_of_10(place: Place) -> None:
    layer = some_bytes()
    names = [f"team/app{n}" for n in range(5)]
    async with place.open() as client:
        for name in names:
            await fill(client, name, layer)
        limit(place, tags=10)

        replies = await gather(
            *(client.put_manifest(names[n % 5], f"t{n}", image(layer, note=str(n % 7))) for n in range(40))
        )

        assert tally(replies, 201) == (10, 30)
        assert sum([len(await client.list_tags(name)) for name in names]) == 10
    place.check(rest=True)


async def test_20_new_repositories_at_a_limit_of_5(place: Place) -> None:
    layer = some_bytes()
    names = [f"team/app{n}" for n in range(20)]
    async with place.open() as client:
        for name in names:
            await fill(client, name, layer)
        limit(place, repositories=5)

        replies = await gather(*(client.put_manifest(name, "t", image(layer)) for name in names))

        assert tally(replies, 201) == (5, 15)
    place.check(rest=True)


async def test_the_last_tag_is_pushed_copied_or_made_by_name_but_once(place: Place) -> None:
    layer = some_bytes()
    async with place.open() as client, place.open(ADMIN) as admin:
        raw = await push_image(client, "team/app", "t", layer)
        for n in range(12):
            limit(place, tags=n + 2)
            at = f"/projects/team/repositories/app/artifacts/{digest_of(raw)}/tags"
            source = f"?from=team/app@{digest_of(raw)}"
            replies = await gather(
                client.put_manifest("team/app", f"pushed{n}", raw),
                admin.api("POST", at, {"name": f"made{n}"}),
                admin.api("POST", f"/projects/team/repositories/copy{n}/artifacts{source}"),
            )
            # A copy brings as many tags as there are: it fits only while there is one, and never beside another one.
            assert tally(replies, 201)[0] == 1
            place.check()
    place.check(rest=True)


async def test_tags_come_and_go_while_the_limit_is_set_and_lifted(place: Place) -> None:
    layer = some_bytes()
    async with place.open() as client:
        for n in range(3):
            await push_image(client, f"team/app{n}", "first", layer)
        for turn in range(12):
            before, after = (-1, 1000) if turn % 2 else (500, -1)
            limit(place, tags=before)
            await gather(
                *(client.put_manifest(f"team/app{n % 3}", f"t{turn}.{n}", image(layer, note=str(n))) for n in range(9)),
                *(client.delete_manifest(f"team/app{n % 3}", f"t{turn - 1}.{n}") for n in range(9)),
                *([client.delete_manifest("team/app0", digest_of(image(layer, note="0")))] if turn % 3 == 2 else []),
                asyncio.to_thread(limit, place, tags=after),
            )
            place.check()
    limit(place, tags=1)
    place.check(rest=True, limits=False)

"""A repository is deleted while blobs are uploaded to it: what was opened before cannot go on, and harms nothing."""

import asyncio
import json
from typing import Any

import pytest

from moorage.distribution import manifests
from moorage.ids import UploadId
from moorage.repositories.lookup import find_repository
from moorage.storage.base import Progress, Stat
from moorage.storage.filesystem import Filesystem
from tests.faults.invariants import read
from tests.faults.place import Place
from tests.faults.registry import Client, digest_of, push_image, some_bytes

HERE = "team/app"


async def delete_repository(client: Client) -> None:
    """Move the repository to the trash."""
    reply = await client.api("DELETE", "/projects/team/repositories/app")
    assert reply.status == 200, reply


async def restore_repository(client: Client) -> None:
    """Bring it back."""
    (entry,) = [
        one for one in json.loads((await client.api("GET", "/projects/team/trash")).body) if one["kind"] == "repository"
    ]
    reply = await client.api("POST", f"/trash/{entry['id']}/restore", {})
    assert reply.status == 200, reply


def list_links(place: Place, data: bytes) -> list[int]:
    """The repositories that link a blob."""
    rows = read(place.url)
    blobs = {row.id for row in rows["blob"] if row.digest.hex().endswith(digest_of(data).partition(":")[2])}
    return [row.repository_id for row in rows["repository_blob"] if row.blob_id in blobs]


async def test_an_upload_opened_before_its_repository_was_deleted_is_unknown_until_it_is_restored(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        await push_image(client, HERE, "t", some_bytes())
        opened = await client.start(HERE)
        patched = await client.patch((await client.start(HERE)).location, data)

        await delete_repository(client)

        for reply in (
            await client.patch(opened.location, data),
            await client.close(opened.location, digest_of(data), data),
            await client.close(patched.location, digest_of(data)),
            await client.ask("GET", patched.location.partition("?")[0]),
            await client.ask("DELETE", opened.location),
        ):
            assert reply.status == 404, reply
            assert json.loads(reply.body)["errors"][0]["code"] == "BLOB_UPLOAD_UNKNOWN"
        assert list_links(place, data) == []

        await restore_repository(client)

        assert (await client.close(patched.location, digest_of(data))).status == 201
        assert (await client.get_blob(HERE, digest_of(data))).body == data
        place.check()
    await asyncio.to_thread(place.sweep)


async def test_an_upload_never_ends_in_another_repository_of_the_same_name(place: Place) -> None:
    data = some_bytes()
    async with place.open() as client:
        await push_image(client, HERE, "t", some_bytes())
        opened = await client.start(HERE)
        await delete_repository(client)
        fresh = await client.start(HERE)

        old = await client.close(opened.location, digest_of(data), data)
        new = await client.close(fresh.location, digest_of(data), data)

        assert (old.status, new.status) == (404, 201)
        assert (await client.get_blob(HERE, digest_of(data))).body == data
        live = {row.id for row in read(place.url)["repository"] if row.trash_id is None}
        assert set(list_links(place, data)) <= live
        place.check()


@pytest.mark.parametrize("step", ["append", "finish"])
async def test_a_repository_that_is_deleted_in_the_middle_of_a_closing_put_gets_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The request found its upload before the repository went, and comes to its next transaction after."""
    held, go_on = asyncio.Event(), asyncio.Event()
    append, finish = Filesystem.append, Filesystem.finish
    data = some_bytes()

    async def slow_append(*args: object, **named: object) -> Progress:
        held.set()
        await go_on.wait()
        return await append(*args, **named)  # type: ignore[arg-type]

    async def slow_finish(storage: Filesystem, upload: UploadId, progress: Progress, key: str) -> Stat:
        held.set()
        await go_on.wait()
        return await finish(storage, upload, progress, key)

    async with place.open() as client:
        await push_image(client, HERE, "t", some_bytes())
        opened = await client.start(HERE)
        monkeypatch.setattr(Filesystem, step, slow_append if step == "append" else slow_finish)
        closing = asyncio.create_task(client.close(opened.location, digest_of(data), data))
        await held.wait()

        await delete_repository(client)
        go_on.set()

        assert (await closing).status == 404
        assert list_links(place, data) == []
        place.check()
        await restore_repository(client)
        again = await client.close(opened.location.partition("?")[0], digest_of(data))
        assert again.status == 201, again
        assert (await client.get_blob(HERE, digest_of(data))).body == data
    place.check(rest=True)


@pytest.mark.parametrize("by", ["tag", "digest"])
async def test_what_is_deleted_in_a_repository_that_goes_meanwhile_is_counted_once(
    place: Place, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The DELETE found the repository before it went to the trash, and comes to its transaction after."""
    find = find_repository
    async with place.open() as client:
        raw = await push_image(client, HERE, "t", some_bytes())

        async def late(*args: Any) -> int | None:
            found = await find(*args)
            await delete_repository(client)
            return found

        monkeypatch.setattr(manifests, "find_repository", late)
        reply = await client.delete_manifest(HERE, "t" if by == "tag" else digest_of(raw))
        monkeypatch.undo()

        assert reply.status == 404, reply
        place.check()
        await restore_repository(client)
        assert await client.pull(HERE, "t") == raw
    place.check(rest=True)

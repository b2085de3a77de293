"""Blobs whose stored bytes were lost or damaged behind the registry's back: fault B6. A push brings them back."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import obstore.store
import pytest
import pytest_asyncio

from moorage.blobs.blob_rows import set_seal
from moorage.blobs.uploads import kill_upload
from moorage.errors import UploadBusy
from moorage.ids import UploadId
from moorage.oci.digest import Digest, compute
from moorage.quotas import service as quotas
from moorage.repositories.lookup import Stored
from moorage.storage.base import Storage
from moorage.storage.filesystem import Filesystem
from moorage.storage.memory import Memory
from moorage.storage.object_store import Objects
from tests.api.client import Client, Repo, Server, digest_of, image
from tests.api.conftest import Serve, administrator, make_project, make_robot, project_id, unique
from tests.api.rows import row

MIB = 1 << 20


@dataclass
class Kept:
    """A server, and the driver that it keeps its blobs with."""

    server: Server
    storage: Storage
    client: Client
    project: str

    def repo(self, name: str = "app") -> Repo:
        """A repository of the project."""
        return self.client.repo(f"{self.project}/{name}")

    async def blobs(self, digest: str) -> list[Any]:
        """The rows of a digest: id, state, key, seal."""
        return await self.server.rows(
            "SELECT id, state, key, seal FROM blob WHERE digest = :digest ORDER BY id", digest=Digest(digest).binary
        )

    async def key(self, digest: str) -> str:
        """Where the live blob is."""
        (key,) = [key for _, state, key, _ in await self.blobs(digest) if state == "live"]
        return str(key)

    async def path(self, digest: str) -> Path:
        """The file of the live blob."""
        path = self.storage.path(await self.key(digest))
        assert path is not None
        return path

    async def lose(self, digest: str) -> None:
        """The stored bytes vanish."""
        await self.storage.delete(await self.key(digest))

    async def used(self) -> int:
        """What the project holds, in bytes."""
        usage = await self.server.run(quotas.get_usage, await project_id(self.server, self.project))
        return usage.used_bytes


class ObjectsInMemory(Objects):
    """What S3 has in common with other object stores, on a store that needs no server."""

    kind = "s3"

    async def url(self, key: str, ttl_seconds: int) -> None:
        """It signs nothing."""
        del key, ttl_seconds


def open_files(folder: Path) -> Storage:
    return Filesystem(folder)


def open_memory(_folder: Path) -> Storage:
    return Memory()


def open_objects(_folder: Path) -> Storage:
    return ObjectsInMemory(cast("Any", obstore.store.MemoryStore()))


DRIVERS = {"filesystem": open_files, "memory": open_memory, "objects": open_objects}


Keep = Callable[[str], Awaitable[Kept]]


@pytest_asyncio.fixture(loop_scope="session")
async def keep(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keep:
    """Starts a server on a driver."""

    async def start(driver: str) -> Kept:
        storage = DRIVERS[driver](tmp_path / "storage")
        monkeypatch.setattr("moorage.app.open_storage", lambda _settings: storage)
        server = await serve()
        project = await make_project(server)
        client = await make_robot(server, project, "pull", "push", "delete")
        return Kept(server, storage, client, project)

    return start


@pytest_asyncio.fixture(params=DRIVERS, loop_scope="session")
async def kept(request: pytest.FixtureRequest, keep: Keep) -> Kept:
    """A server on each driver."""
    return await keep(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def files(keep: Keep) -> Kept:
    """A server on files."""
    return await keep("filesystem")


# -- a push heals -----------------------------------------------------------------------------------------


@row("R8")
async def test_a_lost_blob_is_there_again_for_everybody_when_anybody_pushes_it(kept: Kept) -> None:
    data = unique("lost").encode() * 1000
    one, two = kept.repo("one"), kept.repo("two")
    other = await make_robot(kept.server, name := await make_project(kept.server), "push", "pull")
    third = other.repo(f"{name}/app")
    digest = await one.blob(data)
    await one.image("tagged", layers=[data])
    await two.blob(data)
    await third.blob(data)
    used, links = await kept.used(), await kept.server.rows("SELECT count(*) FROM repository_blob")
    before = await kept.key(digest)
    (row_before,) = await kept.blobs(digest)

    await kept.lose(digest)
    head = await two.head(f"blobs/{digest}")
    await two.blob(data)  # which is a POST and a PUT that has to be 201

    assert head.status == 404
    for repo in (one, two, third):
        answer = await repo.get(f"blobs/{digest}")
        assert (answer.status, answer.body, answer.broken) == (200, data, False)
        assert (await repo.head(f"blobs/{digest}")).status == 200
    assert (await two.put("again", image(b"{}", [data]))).status == 404  # its config is in `one` only
    await two.image("again", layers=[data])
    # The row is the one that everybody holds; the old place has a row by which the collector finds it.
    after = await kept.blobs(digest)
    assert [(state, key == before) for _, state, key, _ in after] == [("live", False), ("doomed", True)]
    assert after[0][0] == row_before[0]
    assert len({key for _, _, key, _ in after}) == 2
    manifest = len((await two.get("manifests/again")).body)
    assert await kept.used() == used + manifest
    assert (await kept.server.rows("SELECT count(*) FROM repository_blob"))[0][0] == links[0][0] + 1
    assert await kept.server.rows("SELECT count(*) FROM upload") == [(0,)]


@row("R8")
async def test_a_blob_is_healed_as_often_as_it_is_lost(kept: Kept) -> None:
    data = unique("again").encode()
    digest = await kept.repo().blob(data)
    keys = {await kept.key(digest)}

    for _ in range(3):
        await kept.lose(digest)
        await kept.repo().blob(data)
        keys.add(await kept.key(digest))

        assert (await kept.repo().get(f"blobs/{digest}")).body == data
    assert len(keys) == 4
    assert sorted(state for _, state, _, _ in await kept.blobs(digest)) == ["doomed"] * 3 + ["live"]


@row("R8")
async def test_what_is_whole_is_joined_and_stays_where_it_is(kept: Kept) -> None:
    digest = await kept.repo().blob(data := unique("whole").encode())
    before = await kept.blobs(digest)

    await kept.repo("other").blob(data)

    assert await kept.blobs(digest) == before


async def _post_whole(repo: Repo, data: bytes) -> int:
    return (await repo.send("POST", f"blobs/uploads/?digest={digest_of(data)}", data)).status


async def _chunks(repo: Repo, data: bytes) -> int:
    location = (await repo.open()).location
    for piece in (data[:10], data[10:]):
        location = (await repo.send("PATCH", location, piece)).location
    return (await repo.close(location, digest_of(data))).status


async def _after_a_mount(repo: Repo, data: bytes) -> int:
    answer = await repo.send("POST", f"blobs/uploads/?mount={digest_of(data)}&from={repo.name}")
    assert answer.status == 202, answer
    return (await repo.close(answer.location, digest_of(data), data)).status


@row("R8")
@pytest.mark.parametrize("way", [_post_whole, _chunks, _after_a_mount])
async def test_every_way_of_pushing_heals(files: Kept, way: Callable[[Repo, bytes], Awaitable[int]]) -> None:
    digest = await files.repo().blob(data := unique("way").encode() * 100)
    await files.lose(digest)

    assert await way(files.repo(), data) == 201

    assert (await files.repo().get(f"blobs/{digest}")).body == data


@row("R8")
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 1, 2 * MIB])
async def test_blobs_of_any_size_and_algorithm_are_healed(files: Kept, algorithm: str, size: int) -> None:
    data = os.urandom(size)
    digest = await files.repo().blob(data, algorithm)
    await files.lose(digest)

    await files.repo().blob(data, algorithm)

    answer = await files.repo().get(f"blobs/{digest}")
    assert (answer.status, answer.body) == (200, data)


def lose(path: Path) -> None:
    path.unlink()


def lose_the_folder(path: Path) -> None:
    """With it goes what the driver knows to be durable; the folder above may hold blobs of other tests."""
    shutil.rmtree(path.parent)
    with contextlib.suppress(OSError):
        path.parents[1].rmdir()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def flip(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(path, (1, 1))


def swap(path: Path) -> None:
    size = path.stat().st_size
    path.unlink()
    path.write_bytes(bytes(size))


def link_elsewhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def make_a_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


DAMAGES = [lose, lose_the_folder, empty, cut, lengthen, flip, swap, link_elsewhere, make_a_folder]


@row("R8")
@pytest.mark.parametrize("size", [700, 3 * MIB])
@pytest.mark.parametrize("damage", DAMAGES)
async def test_whatever_became_of_the_file_a_client_that_asks_first_heals_it(
    files: Kept, damage: Callable[[Path], None], size: int
) -> None:
    data = unique("damaged").encode().ljust(size, b".")
    digest = await files.repo().blob(data)
    await files.repo().image("tagged", layers=[data])
    damage(await files.path(digest))

    # What a client does: it asks, and it pushes only what is not there.
    asked = await files.repo().head(f"blobs/{digest}")
    assert asked.status == 404
    await files.repo().blob(data)

    answer = await files.repo().get(f"blobs/{digest}")
    assert (answer.status, answer.body, answer.broken) == (200, data, False)
    assert (await files.repo().head(f"blobs/{digest}")).status == 200
    assert (await files.repo().put("tagged", image(b"{}", [data]))).status == 201


# -- who is told what meanwhile ---------------------------------------------------------------------------


@row("R8")
async def test_a_touched_file_that_is_right_is_there_for_a_pusher_and_sealed_anew(files: Kept) -> None:
    digest = await files.repo().blob(unique("touched").encode())
    before = await files.blobs(digest)
    os.utime(await files.path(digest), (1, 1))

    assert (await files.repo().head(f"blobs/{digest}")).status == 200

    (after,) = await files.blobs(digest)
    assert after[:3] == before[0][:3]
    assert after[3] != before[0][3]


@row("R8")
async def test_a_condition_does_not_hide_that_a_blob_is_lost(files: Kept) -> None:
    digest = await files.repo().blob(unique("condition").encode())
    here = await files.repo().head(f"blobs/{digest}", if_none_match=f'"{digest}"')
    await files.lose(digest)

    assert here.status == 304
    assert (await files.repo().head(f"blobs/{digest}", if_none_match=f'"{digest}"')).status == 404


@row("R8")
async def test_a_lost_blob_is_not_mounted(kept: Kept) -> None:
    digest = await kept.repo("from").blob(data := unique("mount").encode())
    await kept.lose(digest)
    mount = f"blobs/uploads/?mount={digest}&from={kept.project}/from"
    basic = kept.client.basic

    lost = await kept.repo("to").send("POST", mount, headers=basic)
    await kept.repo("to").close(lost.location, digest, data)
    healed = await kept.repo("third").send("POST", mount, headers=basic)

    assert (lost.status, healed.status) == (202, 201)
    assert (await kept.repo("third").get(f"blobs/{digest}")).body == data


@row("R8")
async def test_a_touched_blob_is_mounted_only_when_it_is_right(files: Kept) -> None:
    right = await files.repo("from").blob(unique("right").encode())
    wrong = await files.repo("from").blob(unique("wrong").encode())
    os.utime(await files.path(right), (1, 1))
    flip(await files.path(wrong))

    answers = [
        await files.repo("to").send(
            "POST", f"blobs/uploads/?mount={digest}&from={files.project}/from", headers=files.client.basic
        )
        for digest in (right, wrong)
    ]

    assert [answer.status for answer in answers] == [201, 202]


@row("R8")
@pytest.mark.parametrize("damage", [lose, cut])
async def test_a_manifest_that_names_a_lost_blob_is_refused_and_its_tag_stays(
    files: Kept, damage: Callable[[Path], None]
) -> None:
    repo = files.repo()
    old = await repo.image("latest", layers=[unique("old").encode()])
    one, two = unique("one").encode(), unique("two").encode()
    digests = [await repo.blob(data) for data in (one, two)]
    for digest in digests:
        damage(await files.path(digest))

    refused = await repo.put("latest", image(b"{}", [one, two]))
    tagged = digest_of((await repo.get("manifests/latest")).body)
    await repo.blob(one)
    half = await repo.put("latest", image(b"{}", [one, two]))
    await repo.blob(two)
    taken = await repo.put("latest", image(b"{}", [one, two]))

    assert (refused.status, refused.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert set(refused.json()["errors"][0]["detail"]["missing"]) == set(digests)
    assert tagged == old
    assert half.json()["errors"][0]["detail"]["missing"] == digests[1:]
    assert taken.status == 201


@row("R8", "U7")
async def test_a_put_after_a_lost_reply_is_not_201_when_the_bytes_are_lost_meanwhile(kept: Kept) -> None:
    data = unique("reply").encode()
    digest, location = digest_of(data), (await kept.repo().open()).location
    assert (await kept.repo().close(location, digest, data)).status == 201
    await kept.lose(digest)

    assert (await kept.repo().close(location, digest, data)).status == 404


@row("R8")
async def test_damage_and_healing_are_counted(files: Kept) -> None:
    async def count(name: str) -> int:
        text = (await files.server.send("GET", "/metrics", headers=administrator(files.server).basic)).body.decode()
        return sum(int(float(line.split()[1])) for line in text.splitlines() if line.startswith(f"{name} "))

    digest = await files.repo().blob(data := unique("counted").encode())
    await files.lose(digest)
    await files.repo().head(f"blobs/{digest}")
    await files.repo().blob(data)
    await files.repo().blob(data)

    assert await count("moorage_blob_damaged_total") == 2
    assert await count("moorage_blob_healed_total") == 1


# -- at the same time -------------------------------------------------------------------------------------


@row("R8")
async def test_many_heal_a_blob_at_once_and_it_has_one_place(kept: Kept) -> None:
    data = unique("many").encode() * 100
    repos = [kept.repo(f"app{number % 4}") for number in range(12)]
    digest = await repos[0].blob(data)
    await kept.lose(digest)

    answers = await asyncio.gather(
        *(repo.send("POST", f"blobs/uploads/?digest={digest}", data) for repo in repos),
        *(repo.get(f"blobs/{digest}") for repo in repos[:2]),
    )

    assert [answer.status for answer in answers[:12]] == [201] * 12
    assert {answer.status for answer in answers[12:]} <= {200, 404, 503}
    for repo in repos:
        assert (await repo.get(f"blobs/{digest}")).body == data
    states = [state for _, state, _, _ in await kept.blobs(digest)]
    assert states.count("live") == 1
    assert set(states) == {"live", "doomed"}


@row("R8")
async def test_whoever_verified_the_old_bytes_does_not_seal_the_new_ones(files: Kept) -> None:
    """A reader that began before the blob was healed ends after it."""
    data = unique("reader").encode().ljust(3 * MIB, b".")
    digest = await files.repo().blob(data)
    (number, _, key, seal) = (await files.blobs(digest))[0]
    os.utime(await files.path(digest), (1, 1))

    await files.repo().blob(data)  # touched is reason enough: the bytes in hand are right
    healed = await files.blobs(digest)
    await files.server.run(set_seal, Stored(number, key, len(data), seal), "the seal of the old file")

    assert await files.blobs(digest) == healed
    assert healed[0][2] != key
    assert healed[0][3] == (await files.storage.stat(healed[0][2])).seal  # type: ignore[union-attr]
    assert (await files.repo().get(f"blobs/{digest}")).body == data


# -- uploads that were judged too early -------------------------------------------------------------------


@row("D5", "U7")
async def test_an_upload_that_went_on_since_it_was_judged_stays(app: Server, repo: Repo) -> None:
    """A closing PUT with a wrong digest removes what it judged, not bytes that were acknowledged meanwhile."""
    opened = await repo.open()
    upload = UploadId(opened.header("docker-upload-uuid") or "")
    first = await repo.send("PATCH", opened.location, b"first")
    judged = 5
    second = await repo.send("PATCH", first.location, b"second")
    assert second.status == 202

    with pytest.raises(UploadBusy):
        await app.run(kill_upload, upload, judged_bytes=judged)

    status = await repo.get(second.location)
    assert (status.status, status.header("range")) == (204, "0-10")
    assert (await repo.close(second.location, digest_of(b"firstsecond"))).status == 201


@row("D5", "U7")
async def test_a_wrong_digest_does_not_remove_what_another_request_was_told_is_safe(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await repo.open()
    first = await repo.send("PATCH", opened.location, b"first")
    hashing, go_on = asyncio.Event(), asyncio.Event()
    from moorage.blobs import receive  # noqa: PLC0415 - to hold it in the middle

    judge = receive._digest

    async def held(*arguments: Any) -> Digest:
        found = await judge(*arguments)
        if not hashing.is_set():
            hashing.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(receive, "_digest", held)
    wrong = asyncio.create_task(repo.close(first.location, str(compute(b"something else"))))
    await hashing.wait()
    second = await repo.send("PATCH", first.location, b"second")
    go_on.set()
    refused = await wrong

    assert second.status == 202
    assert refused.code != "DIGEST_INVALID"
    assert (await repo.get(second.location)).header("range") == "0-10"
    assert (await repo.close(second.location, digest_of(b"firstsecond"))).status == 201
    assert (await repo.get(f"blobs/{digest_of(b'firstsecond')}")).body == b"firstsecond"

"""Reads: ranges and conditions, HEAD as GET, and bytes that somebody touched on disk."""

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from moorage.settings import Storage
from tests.api.client import GONE, Answer, Repo, Server, changed, digest_of, image
from tests.api.conftest import Serve, make_project, make_robot, unique
from tests.api.rows import row

DATA = bytes(number % 251 for number in range(2048))
MIB = 1 << 20


def file_of(server: Server, digest: str) -> Path:
    """The file that holds a blob."""
    algorithm, _, name = digest.partition(":")
    return server.settings.storage_folder / "docker/registry/v2/blobs" / algorithm / name[:2] / name / "data"


def shape(answer: Answer) -> dict[str, str]:
    """The headers that HEAD and GET have to share."""
    return {name: value for name, value in answer.headers if name != "x-request-id"}


# -- ranges -----------------------------------------------------------------------------------------------


@row("R1")
@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("500-1499", 500, 1500), ("500-", 500, 2048), ("-500", 1548, 2048), ("2000-5000", 2000, 2048), ("0-0", 0, 1),
        ("-5000", 0, 2048), ("2047-", 2047, 2048), ("0-", 0, 2048),
    ],
)  # fmt: skip
async def test_a_range_gives_exactly_these_bytes(repo: Repo, asked: str, start: int, stop: int) -> None:
    digest = await repo.blob(DATA)

    answer = await repo.get(f"blobs/{digest}", range=f"bytes={asked}")

    assert (answer.status, answer.body) == (206, DATA[start:stop])
    assert answer.header("content-range") == f"bytes {start}-{stop - 1}/2048"
    assert answer.header("content-length") == str(stop - start)
    assert answer.header("docker-content-digest") == digest


@row("R2", "R4")
@pytest.mark.parametrize("asked", ["500-0", "5000-10000", "-0", "2048-", "99999999999999999999-"])
async def test_a_range_outside_is_416(repo: Repo, asked: str) -> None:
    digest = await repo.blob(DATA)

    answer = await repo.get(f"blobs/{digest}", range=f"bytes={asked}")

    assert (answer.status, answer.code) == (416, "BLOB_UPLOAD_INVALID")
    assert answer.header("content-range") == "bytes */2048"


@row("R1")
@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,2-3",
        "bytes=",
        "items=0-1",
        "bytes=a-b",
        "bytes=0-1-2",
        "0-1",
        "bytes=" + "0-1," * 50_000,
        "bytes=--1",
    ],
    ids=["several", "none", "unit", "letters", "three", "no unit", "50,000", "two dashes"],
)
async def test_what_is_no_single_range_gives_the_whole(repo: Repo, asked: str) -> None:
    digest = await repo.blob(DATA)

    answer = await repo.get(f"blobs/{digest}", range=asked)

    assert (answer.status, answer.body) == (200, DATA)


@row("R4")
async def test_a_range_of_nothing_is_416_and_nothing_itself_is_200(repo: Repo) -> None:
    digest = await repo.blob(b"")

    assert (await repo.get(f"blobs/{digest}", range="bytes=0-")).status == 416
    assert (await repo.get(f"blobs/{digest}", range="bytes=-1")).status == 416
    whole = await repo.get(f"blobs/{digest}")
    assert (whole.status, whole.body, whole.header("content-length")) == (200, b"", "0")


@row("R4")
async def test_a_range_counts_only_for_the_content_that_if_range_names(repo: Repo) -> None:
    digest = await repo.blob(DATA)

    right = await repo.get(f"blobs/{digest}", range="bytes=0-1", if_range=f'"{digest}"')

    assert right.status == 206
    for stale in ('"sha256:other"', f'W/"{digest}"', "Tue, 15 Nov 1994 12:45:26 GMT"):
        assert (await repo.get(f"blobs/{digest}", range="bytes=0-1", if_range=stale)).status == 200


@row("R4")
async def test_head_ignores_a_range(repo: Repo) -> None:
    digest = await repo.blob(DATA)

    answer = await repo.head(f"blobs/{digest}", range="bytes=0-1")

    assert (answer.status, answer.header("content-length"), answer.header("content-range")) == (200, "2048", None)


async def test_a_pull_that_broke_goes_on_where_it_was(repo: Repo) -> None:
    data = os.urandom(3 * MIB + 5)
    digest = await repo.blob(data)

    begin = await repo.get(f"blobs/{digest}", range="bytes=0-1999999")
    rest = await repo.get(f"blobs/{digest}", range="bytes=2000000-")

    assert begin.body + rest.body == data


# -- HEAD and conditions ----------------------------------------------------------------------------------


@row("R5")
async def test_head_says_what_get_says(repo: Repo) -> None:
    digest = await repo.image("latest")
    blob = digest_of(b"layer")

    for path in (
        "manifests/latest", f"manifests/{digest}", f"blobs/{blob}", "manifests/never", f"blobs/{digest_of(b'never')}",
        f"manifests/{digest_of(b'never')}", "manifests/-x", "blobs/sha256:x",
        "tags/list", "tags/list?n=0", "tags/list?n=x", f"referrers/{digest}", "referrers/x", "/v2/_catalog", "/v2/",
    ):  # fmt: skip
        get, head = await repo.get(path), await repo.head(path)
        assert (head.status, head.body) == (get.status, b"")
        assert shape(head) == shape(get), path


@row("R5")
async def test_the_headers_of_a_blob_and_a_manifest_are_those_that_clients_need(repo: Repo) -> None:
    digest = await repo.image("latest")
    layer = digest_of(b"layer")

    blob = await repo.head(f"blobs/{layer}")
    manifest = await repo.head("manifests/latest")

    assert shape(blob) == {
        "content-type": "application/octet-stream",
        "content-length": "5",
        "docker-content-digest": layer,
        "etag": f'"{layer}"',
        "accept-ranges": "bytes",
        "cache-control": "max-age=31536000",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
        "content-disposition": "attachment",
        "docker-distribution-api-version": "registry/2.0",
        "server": "moorage",
    }
    assert manifest.header("docker-content-digest") == digest
    assert manifest.header("etag") == f'"{digest}"'


@row("M18")
async def test_a_blob_that_the_client_has_is_not_sent_again(repo: Repo) -> None:
    digest = await repo.blob(DATA)

    for method, given in itertools.product(("GET", "HEAD"), (f'"{digest}"', f'W/"{digest}"', "*")):
        answer = await repo.send(method, f"blobs/{digest}", headers={"if-none-match": given})
        assert (answer.status, answer.body, answer.header("etag")) == (304, b"", f'"{digest}"')
    assert (await repo.get(f"blobs/{digest}", if_none_match='"other"')).status == 200
    assert (await repo.get(f"blobs/{digest_of(b'never')}", if_none_match="*")).status == 404


@row("M18")
async def test_what_if_match_does_not_name_is_not_sent(repo: Repo) -> None:
    digest = await repo.image("latest", layers=[DATA])
    layer = digest_of(DATA)

    for path, etag in (("manifests/latest", digest), (f"manifests/{digest}", digest), (f"blobs/{layer}", layer)):
        for method in ("GET", "HEAD"):
            for given in (f'"{etag}"', f'"sha256:other", "{etag}"', "*"):
                assert (await repo.send(method, path, headers={"if-match": given})).status == 200
            for given in ('"sha256:other"', f'W/"{etag}"'):
                # The second condition would say 304: the first one is looked at before it.
                refused = await repo.send(method, path, headers={"if-match": given, "if-none-match": "*"})
                assert (refused.status, refused.header("etag")) == (412, f'"{etag}"')
                assert method == "HEAD" or refused.json()["errors"][0]["detail"]["reason"] == "CONTENT_DIFFERS"
    unknown = await repo.get(f"blobs/{digest_of(b'never')}", if_match="*")
    assert unknown.status == 404


@row("R7")
async def test_nothing_is_ever_encoded(repo: Repo) -> None:
    digest = await repo.image("latest", layers=[b"a" * 5000])

    for path in (f"manifests/{digest}", f"blobs/{digest_of(b'a' * 5000)}"):
        answer = await repo.get(path, accept_encoding="gzip, br, zstd")
        assert answer.header("content-encoding") is None
        assert digest_of(answer.body) in path


async def test_head_by_tag_counts_as_no_pull_and_get_does(serve: Serve) -> None:
    server = await serve()
    repo = (await make_robot(server, project := await make_project(server), "push")).repo(f"{project}/app")
    await repo.image("latest")

    await repo.head("manifests/latest")
    await repo.get("manifests/latest")
    await repo.get("manifests/latest", if_none_match="*")
    after = await serve(beside=server)
    await server.stop()

    assert await after.rows("SELECT sum(pulls) FROM pull") == [(1,)]


# -- touched and damaged bytes ----------------------------------------------------------------------------


@row("R8")
@pytest.mark.parametrize("size", [1, 2048, MIB, 2 * MIB, 5 * MIB + 3])
async def test_a_flipped_byte_never_makes_a_clean_200(app: Server, repo: Repo, size: int) -> None:
    data = unique("flip").encode().ljust(size, b".")[:size] if size > 1 else os.urandom(1)
    digest = await repo.blob(data)

    with changed(file_of(app, digest), lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])):
        whole = await repo.get(f"blobs/{digest}")
        part = await repo.get(f"blobs/{digest}", range="bytes=0-0")

    if size <= MIB:  # known before the first byte leaves
        assert (whole.status, whole.header("retry-after")) == (503, "60")
    else:
        assert (whole.status, whole.broken, len(whole.body) < size) == (200, True, True)
    assert (part.status, part.code) == (503, "UNKNOWN")


@row("R8")
@pytest.mark.parametrize("size", [0, 100])
async def test_a_truncated_file_is_404_for_a_pusher_and_503_for_a_puller(app: Server, repo: Repo, size: int) -> None:
    """So that a client that asks first pushes it again, and one that pulls knows that it is not its own fault."""
    digest = await repo.blob(unique("cut").encode() * 100)

    with changed(file_of(app, digest), lambda raw: raw[:size]):
        head, get = await repo.head(f"blobs/{digest}"), await repo.get(f"blobs/{digest}")
        ranged = await repo.get(f"blobs/{digest}", range="bytes=0-9")

    assert head.status == 404
    assert (get.status, get.header("retry-after")) == (503, "60")
    assert get.json()["errors"][0]["detail"]["reason"] == "BLOB_DAMAGED"
    assert ranged.status == 503
    assert (await repo.get(f"blobs/{digest}")).status == 200


@row("R8")
async def test_a_missing_file_is_404_for_a_pusher_and_503_for_a_puller(app: Server, repo: Repo) -> None:
    digest = await repo.blob(unique("lost").encode())

    file_of(app, digest).unlink()

    assert (await repo.head(f"blobs/{digest}")).status == 404
    assert (await repo.get(f"blobs/{digest}")).status == 503


@row("R8")
async def test_a_touched_file_that_is_right_is_served_and_sealed_anew(app: Server, repo: Repo) -> None:
    data = unique("touched").encode() * 1000
    digest = await repo.blob(data)
    path = file_of(app, digest)

    async def seal() -> str:
        found = await app.rows("SELECT seal FROM blob WHERE size_bytes = :size AND state = 'live'", size=len(data))
        return str(found[0][0])

    before = await seal()
    os.utime(path, (1, 1))
    first = await repo.get(f"blobs/{digest}")
    after = await seal()
    second = await repo.get(f"blobs/{digest}")

    assert (first.status, first.body, first.broken) == (200, data, False)
    assert before != after
    assert second.body == data
    assert await seal() == after


@row("R8")
async def test_a_range_of_a_touched_file_that_is_right_is_served(app: Server, repo: Repo) -> None:
    digest = await repo.blob(data := unique("range").encode() * 1000)

    os.utime(file_of(app, digest), (1, 1))

    answer = await repo.get(f"blobs/{digest}", range="bytes=10-19")
    assert (answer.status, answer.body) == (206, data[10:20])


@row("R8")
async def test_a_foreign_file_in_the_place_of_a_blob_is_never_served(app: Server, repo: Repo) -> None:
    digest = await repo.blob(data := unique("own").encode() * 100)
    path = file_of(app, digest)

    path.unlink()
    path.symlink_to("/etc/passwd")
    linked = await repo.get(f"blobs/{digest}")
    path.unlink()
    path.write_bytes(b"x" * len(data))
    replaced = await repo.get(f"blobs/{digest}")

    assert linked.status == 503
    assert replaced.status == 503
    assert b"root" not in linked.body


# -- leases -----------------------------------------------------------------------------------------------


async def leases(server: Server, repo: Repo) -> list[Any]:
    """The leases in a repository, in the database's own form."""
    found = await server.rows(
        "SELECT lease_until FROM repository_blob JOIN repository r ON r.id = repository_id WHERE r.path = :path",
        path=repo.name,
    )
    return [value for (value,) in found]


@pytest.mark.parametrize("way", ["token", "password"])
async def test_a_head_by_a_pusher_renews_a_lease_of_which_half_is_spent(app: Server, repo: Repo, way: str) -> None:
    digest = await repo.blob(unique("leased").encode())
    headers = repo.client.basic if way == "password" else {}
    fresh = await leases(app, repo)
    on_sqlite = app.database.kind == "sqlite"
    move = (
        "UPDATE repository_blob SET lease_until = lease_until - 10800000000 WHERE repository_id = :id"
        if on_sqlite
        else "UPDATE repository_blob SET lease_until = lease_until - interval '3 hours' WHERE repository_id = :id"
    )
    ((number,),) = await app.rows("SELECT id FROM repository WHERE path = :path", path=repo.name)

    await repo.send("HEAD", f"blobs/{digest}", headers=headers)
    unchanged = await leases(app, repo)
    await app.rows(move, id=number)
    spent = await leases(app, repo)
    await repo.send("HEAD", f"blobs/{digest}", headers=headers)
    renewed = await leases(app, repo)

    assert unchanged == fresh
    assert spent < fresh
    assert renewed >= fresh


async def test_a_head_by_somebody_who_may_only_pull_writes_nothing(app: Server, project: str, repo: Repo) -> None:
    digest = await repo.blob(unique("leased").encode())
    await app.rows(
        "UPDATE repository_blob SET lease_until = (SELECT min(created_at) FROM repository)"
        " WHERE repository_id = (SELECT id FROM repository WHERE path = :path)",
        path=repo.name,
    )
    before = await leases(app, repo)
    puller = repo.seen_by(await make_robot(app, project, "pull"))

    assert (await puller.head(f"blobs/{digest}")).status == 200

    assert await leases(app, repo) == before


async def test_a_client_that_leaves_in_the_middle_of_a_pull_does_no_harm(repo: Repo) -> None:
    digest = await repo.image("latest")

    answer = await repo.send("GET", f"manifests/{digest}", [GONE])

    assert answer.status == 200
    assert (await repo.get("manifests/latest")).status == 200


async def test_blobs_in_memory_are_served_alike(serve: Serve) -> None:
    server = await serve(storage=Storage(kind="memory"))
    repo = (await make_robot(server, project := await make_project(server), "push")).repo(f"{project}/app")
    digest = await repo.blob(DATA)

    whole = await repo.get(f"blobs/{digest}")
    part = await repo.get(f"blobs/{digest}", range="bytes=500-1499")

    assert (whole.body, whole.header("content-length")) == (DATA, "2048")
    assert (part.status, part.body) == (206, DATA[500:1500])
    assert (await repo.put("latest", image(config=DATA, layers=[]))).status == 201

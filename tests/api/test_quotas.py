"""What a project may hold: never a byte more, each byte counted once, and what fits is never refused."""

import asyncio

import pytest

from moorage.quotas import service as quotas
from tests.api.client import GONE, Repo, Server, closing, digest_of, encode, image
from tests.api.conftest import make_project, make_robot, project_id, unique
from tests.api.rows import row

KIB = 1024


async def limited(server: Server, limit_bytes: int) -> Repo:
    """A repository in a project of its own that may hold so much."""
    project = await make_project(server, limit_bytes=limit_bytes)
    return (await make_robot(server, project, "pull", "push", "delete")).repo(f"{project}/app")


async def used(server: Server, repo: Repo) -> int:
    """What the project of a repository is charged for, open uploads included."""
    number = await project_id(server, repo.name.partition("/")[0])
    usage = await server.run(quotas.get_usage, number)
    return usage.used_bytes


def fresh(size: int) -> bytes:
    """Bytes that no other test has."""
    return unique("quota").encode().ljust(size, b".")


@row("U20")
@pytest.mark.parametrize("way", ["announced", "chunked", "monolithic", "closing put", "in pieces"])
async def test_a_blob_beyond_the_limit_is_denied_and_leaves_nothing(app: Server, way: str) -> None:
    repo = await limited(app, 100 * KIB)
    data = fresh(100 * KIB + 1)
    digest = digest_of(data)
    answers = []
    if way == "monolithic":
        answers = [await repo.send("POST", f"blobs/uploads/?digest={digest}", data)]
    elif way == "closing put":
        answers = [await repo.close((await repo.open()).location, digest, data)]
    elif way == "in pieces":
        location = (await repo.open()).location
        for start in range(0, len(data), 30 * KIB):
            answers.append(await repo.send("PATCH", location, data[start : start + 30 * KIB]))
            location = answers[-1].header("location") or location
    else:
        body = [data[:1000], data[1000:]]
        answers = [
            await repo.send("PATCH", (await repo.open()).location, body, length=None if way == "chunked" else -1)
        ]

    refused = answers[-1]
    assert (refused.status, refused.code) == (403, "DENIED")
    assert "storage" in refused.json()["errors"][0]["message"]
    detail = refused.json()["errors"][0]["detail"]
    assert detail["reason"] == "QUOTA_EXCEEDED"
    assert detail["left_bytes"] == detail["limit_bytes"] - detail["used_bytes"] < detail["asked_bytes"]
    assert await used(app, repo) <= 100 * KIB
    assert (await repo.head(f"blobs/{digest}")).status == 404


@row("U20")
async def test_a_denied_upload_is_released_by_cancelling(app: Server) -> None:
    repo = await limited(app, 100 * KIB)
    location = (await repo.open()).location
    appended = await repo.send("PATCH", location, fresh(60 * KIB))
    assert (await repo.send("PATCH", appended.location, fresh(60 * KIB))).status == 403

    assert (await repo.delete(appended.location)).status == 204

    assert await used(app, repo) == 0


@row("U20")
@pytest.mark.parametrize("length", [-1, None], ids=["announced", "chunked"])
async def test_what_fits_is_taken_to_the_last_byte(app: Server, length: int | None) -> None:
    """Also where a stream's length is not known, and less room is left than is usually reserved ahead."""
    repo = await limited(app, 100 * KIB)
    data = fresh(100 * KIB)

    answer = await repo.send("PATCH", (await repo.open()).location, [data[:KIB], data[KIB:]], length=length)
    closed = await repo.send("PUT", closing(answer.location, digest_of(data)), b"", length=length and -1)

    assert (answer.status, closed.status) == (202, 201)
    assert await used(app, repo) == 100 * KIB


@row("U20")
async def test_parallel_uploads_never_pass_the_limit(app: Server) -> None:
    repo = await limited(app, 100 * KIB)
    blobs = [fresh(30 * KIB) for _ in range(8)]

    answers = await asyncio.gather(
        *(repo.send("POST", f"blobs/uploads/?digest={digest_of(data)}", data) for data in blobs)
    )

    assert sorted(answer.status for answer in answers) == [201] * 3 + [403] * 5
    assert await used(app, repo) == 90 * KIB


@row("U20")
async def test_a_manifest_beyond_the_limit_is_denied(app: Server) -> None:
    repo = await limited(app, 2 + 5 + len(encode(image())) - 1)
    await repo.blob(b"{}")
    await repo.blob(b"layer")

    answer = await repo.put("latest", image())

    assert (answer.status, answer.code) == (403, "DENIED")
    assert await repo.listed() == []


async def test_each_byte_is_counted_once_in_a_project(app: Server) -> None:
    repo = await limited(app, 10 * KIB)
    other = repo.client.repo(repo.name + "-too")
    for one in (repo, other):
        await one.image("a", "b")

    assert await used(app, repo) == 2 + 5 + 2 * len(encode(image()))
    await repo.image("c", config=b"{}")
    assert await used(app, repo) == 2 + 5 + 2 * len(encode(image()))


async def test_what_a_broken_or_wrong_upload_reserved_is_given_back(app: Server) -> None:
    repo = await limited(app, 100 * KIB)
    data = fresh(50 * KIB)

    await repo.send("POST", f"blobs/uploads/?digest={digest_of(data)}", [data[:KIB], GONE], length=len(data))
    await repo.send("POST", f"blobs/uploads/?digest={digest_of(b'other')}", data)
    wrong = await repo.close((await repo.open()).location, digest_of(b"other"), data)

    assert wrong.status == 400
    assert await used(app, repo) == 0


async def test_a_mount_without_room_becomes_an_upload(app: Server, repo: Repo) -> None:
    project = repo.name.partition("/")[0]
    digest = await repo.blob(fresh(20 * KIB))
    small = await make_project(app, limit_bytes=10 * KIB)
    robot = await make_robot(app, small, "push")
    await app.rows("UPDATE project SET public = :yes WHERE name = :name", yes=True, name=project)

    answer = await robot.repo(f"{small}/app").send(
        "POST", f"blobs/uploads/?mount={digest}&from={repo.name}", headers=robot.basic
    )

    assert answer.status == 202


async def test_a_raised_limit_takes_what_was_denied(app: Server) -> None:
    repo = await limited(app, 10 * KIB)
    data = fresh(20 * KIB)
    assert (await repo.send("POST", f"blobs/uploads/?digest={digest_of(data)}", data)).status == 403

    await app.run(quotas.set_limit, await project_id(app, repo.name.partition("/")[0]), 30 * KIB)

    assert (await repo.send("POST", f"blobs/uploads/?digest={digest_of(data)}", data)).status == 201
    assert await used(app, repo) == 20 * KIB


async def test_a_full_project_says_so_where_no_size_was_told(app: Server) -> None:
    repo = await limited(app, 100 * KIB)
    data = fresh(100 * KIB)
    assert (await repo.close((await repo.open()).location, digest_of(data), data)).status == 201

    answer = await repo.send("POST", "blobs/uploads/")

    (error,) = answer.json()["errors"]
    assert (answer.status, error["code"], error["detail"]["reason"]) == (403, "DENIED", "QUOTA_EXCEEDED")
    assert (error["detail"]["which"], error["detail"]["left_bytes"]) == ("QUOTA_FULL", 0)
    assert "asked_bytes" not in error["detail"]
    assert error["message"].startswith("the project is full: its current usage of 100.0 KiB"), error["message"]
    assert "1 B" not in error["message"]

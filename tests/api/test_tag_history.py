"""What became of a tag: each place that it had, and where it pointed at some moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from moorage.access.policy import Role
from tests.api.client import Answer, Client, Repo, Server
from tests.api.conftest import Pushed, make_user, unique
from tests.api.statements import counting

BASE = "/api/v2.0"


async def ask(app: Server, who: Client, repo: Repo, tag: str, query: str = "") -> Answer:
    """The history of a tag."""
    project, _, rest = repo.name.partition("/")
    path = f"{BASE}/projects/{project}/repositories/{quote(quote(rest, safe=''), safe='')}/tags/{tag}/history{query}"
    return await app.send("GET", path, headers=who.basic)


async def rows(app: Server, who: Client, repo: Repo, tag: str, query: str = "") -> list[dict[str, Any]]:
    """The same, which has to be there."""
    answer = await ask(app, who, repo, tag, query)
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json()
    return found


def now() -> str:
    """A moment between what was done before and what is done next."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


async def test_a_tag_keeps_its_history_when_it_moves_and_when_it_is_deleted(
    app: Server, admin: Client, repo: Repo, pushed: Pushed, owner: Client
) -> None:
    first = await pushed("v1")
    between = now()
    await asyncio.sleep(0.002)
    second = await pushed("v1")
    await asyncio.sleep(0.002)
    assert (await repo.delete("manifests/v1")).status == 202
    await asyncio.sleep(0.002)
    empty = now()
    await asyncio.sleep(0.002)
    third = await pushed("v1")

    found = await rows(app, admin, repo, "v1")
    assert [(row["digest"], row["ended_by"], row["kept"]) for row in found] == [
        (third, None, "here"), (second, "deleted", "here"), (first, "moved", "here"),
    ]  # fmt: skip
    assert found[2]["until"] == found[1]["since"]
    assert found[0]["until"] is None
    assert {row["by"] for row in found} == {owner.username.removeprefix("robot$")}

    (then,) = await rows(app, admin, repo, "v1", f"?at={between}")
    assert then["digest"] == first
    assert (await repo.get(f"manifests/{then['digest']}")).status == 200
    (today,) = await rows(app, admin, repo, "v1", f"?at={now()}")
    assert today["digest"] == third
    for moment in (empty, "2001-01-01T00:00:00Z"):
        gone = await ask(app, admin, repo, "v1", f"?at={moment}")
        assert (gone.status, gone.json()["errors"][0]["detail"]["reason"]) == (404, "TAG_UNKNOWN")


async def test_a_moment_is_read_with_its_offset(app: Server, admin: Client, repo: Repo, pushed: Pushed) -> None:
    digest = await pushed("v1")
    later = datetime.now(UTC) + timedelta(seconds=1)
    text = quote(f"{later + timedelta(hours=2):%Y-%m-%dT%H:%M:%S.%f}+02:00")

    (found,) = await rows(app, admin, repo, "v1", f"?at={text}")

    assert found["digest"] == digest
    for wrong in ("yesterday", "2026-13-01T00:00:00Z", "0", "2026-01-01", "9999-12-31T23:59:59-12:00"):
        assert (await ask(app, admin, repo, "v1", f"?at={quote(wrong)}")).status == 400, wrong


async def test_what_was_deleted_is_told_from_what_is_here(
    app: Server, admin: Client, repo: Repo, pushed: Pushed
) -> None:
    digest = await pushed("v1")
    await pushed("v1")
    assert (await repo.delete(f"manifests/{digest}")).status == 202

    found = await rows(app, admin, repo, "v1")

    assert [row["kept"] for row in found] == ["here", "trash"]


async def test_history_is_a_list_like_any_other(app: Server, admin: Client, repo: Repo) -> None:
    digests = [await repo.image("v1", layers=[unique("layer").encode()]) for _ in range(5)]
    page = await ask(app, admin, repo, "v1", "?page=2&page_size=2&sort=since")
    assert [row["digest"] for row in page.json()] == digests[2:4]
    assert page.header("x-total-count") == "5"
    open_ones = await rows(app, admin, repo, "v1", "?q=ended_by=moved&page_size=100")
    assert len(open_ones) == 4
    counts = []
    for size in (1, 5):
        with counting() as counted:
            await rows(app, admin, repo, "v1", f"?page_size={size}")
        counts.append(sum("tag" in one for one in counted))  # and not what else the server does in that moment
    assert 1 <= counts[0] == counts[1] <= 4


@pytest.mark.parametrize(("role", "status"), [(None, 403), (Role.LIMITED_GUEST, 200), (Role.GUEST, 200)])
async def test_who_may_list_tags_may_read_their_history(
    app: Server, repo: Repo, pushed: Pushed, role: Role | None, status: int
) -> None:
    await pushed("v1")
    who = await make_user(app, {repo.name.partition("/")[0]: role} if role else {})

    assert (await ask(app, who, repo, "v1")).status == status
    assert (await ask(app, Client(app), repo, "v1")).status == 401


async def test_what_never_was_is_404(app: Server, admin: Client, repo: Repo, pushed: Pushed) -> None:
    await pushed("v1")
    for tag in ("v2", "-no-tag", "x" * 200, quote("a b")):
        assert (await ask(app, admin, repo, tag)).status == 404
    assert (await ask(app, admin, repo.client.repo(f"{repo.name}-no"), "v1")).status == 404

"""A tag is pointed elsewhere by one request, with what holds of a push: history, rules, and who may."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from moorage.access.policy import Role
from tests.api.client import Answer, Client, Repo, Server, encode
from tests.api.conftest import Pushed, make_user

BASE = "/api/v2.0"


async def point(app: Server, who: Client, repo: Repo, tag: str, body: Mapping[str, Any]) -> Answer:
    """Point a tag of the repository."""
    project, _, rest = repo.name.partition("/")
    path = f"{BASE}/projects/{project}/repositories/{quote(quote(rest, safe=''), safe='')}/tags/{tag}"
    return await app.send("PUT", path, encode(body), headers={**who.basic, "content-type": "application/json"})


async def past(app: Server, who: Client, repo: Repo, tag: str) -> list[tuple[str, str | None]]:
    """Where a tag pointed, the newest first, and how that ended."""
    project, _, rest = repo.name.partition("/")
    path = f"{BASE}/projects/{project}/repositories/{quote(quote(rest, safe=''), safe='')}/tags/{tag}/history"
    found = (await app.send("GET", path, headers=who.basic)).json()
    return [(row["digest"], row["ended_by"]) for row in found]


async def test_a_tag_points_back_and_again_changes_nothing(
    app: Server, admin: Client, repo: Repo, pushed: Pushed
) -> None:
    first = await pushed("v1")
    second = await pushed("v1", "v2")
    for _ in range(2):
        answer = await point(app, admin, repo, "v1", {"digest": first})
        assert (answer.status, answer.body) == (200, b"")
    assert await past(app, admin, repo, "v1") == [(first, None), (second, "moved"), (first, "moved")]
    assert (await repo.get("manifests/v1")).header("docker-content-digest") == first
    assert (await repo.get("manifests/v2")).header("docker-content-digest") == second

    assert (await point(app, admin, repo, "v3", {"digest": second})).status == 200
    assert await past(app, admin, repo, "v3") == [(second, None)]


async def test_what_cannot_be_pointed_to_is_refused(app: Server, admin: Client, repo: Repo, pushed: Pushed) -> None:
    first, second = await pushed("v1"), await pushed("v2")
    for tag, body, status in (
        ("v1", {"digest": "sha256:" + "0" * 64}, 404),
        ("v1", {"digest": "no digest"}, 404),
        ("v1", {}, 422),
        ("v1", {"digest": second, "more": 1}, 422),
        ("not%20a%20tag", {"digest": second}, 400),
    ):
        assert (await point(app, admin, repo, tag, body)).status == status, (tag, body)
    assert await past(app, admin, repo, "v1") == [(first, None)]
    rule = {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v1"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    }
    project = repo.name.partition("/")[0]
    made = await app.send(
        "POST", f"{BASE}/projects/{project}/immutabletagrules", encode(rule),
        headers={**admin.basic, "content-type": "application/json"},
    )  # fmt: skip
    assert made.status == 201, made
    refused = await point(app, admin, repo, "v1", {"digest": second})
    assert (refused.status, refused.json()["errors"][0]["detail"]["reason"]) == (412, "TAG_IMMUTABLE")
    assert (await point(app, admin, repo, "v1", {"digest": first})).status == 200  # it points there already
    assert (await point(app, admin, repo, "v2", {"digest": first})).status == 200


async def test_of_those_who_point_it_at_once_each_is_done_in_turn(
    app: Server, admin: Client, repo: Repo, pushed: Pushed
) -> None:
    digests = [await pushed(f"v{number}") for number in range(4)]
    answers = await asyncio.gather(*(point(app, admin, repo, "latest", {"digest": one}) for one in digests * 2))
    assert {one.status for one in answers} == {200}
    found = await past(app, admin, repo, "latest")
    # Who waited for its turn may have begun before the one whose turn it was: the newest by time need not be the last.
    ends = [how for _, how in found]
    assert (ends.count(None), set(ends)) == (1, {None, "moved"})
    assert {digest for digest, _ in found} == set(digests)


async def test_who_may_push_may_point(app: Server, repo: Repo, pushed: Pushed) -> None:
    digest = await pushed("v1")
    project = repo.name.partition("/")[0]
    for role, status in ((Role.GUEST, 403), (Role.DEVELOPER, 200)):
        who = await make_user(app, {project: role})
        assert (await point(app, who, repo, "v9", {"digest": digest})).status == status

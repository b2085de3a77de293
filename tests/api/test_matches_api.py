"""How much a selector means while it is being written: equal to what the rules select, within bounds, and no change."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert

from moorage.access.policy import Role
from moorage.api.rest_api import _is_always_allowed
from moorage.api.routes import BUILT
from moorage.db.unit_of_work import Work
from moorage.inspection import selector_preview
from moorage.oci.versions import order_key
from moorage.repositories.tables import Artifact, Repository, Tag, TagHistory
from moorage.robots import accounts
from moorage.selectors import compile_selector
from tests.api.client import Client, Server
from tests.api.conftest import Serve, administrator, make_project, make_user, project_id, unique
from tests.api.test_projects_api import call

NAMES = ["app", "team/api", "team/web", "team/deep/er", "other"]
TAGS = ["v1.0.0", "v1.2.0", "v2.0.0-rc.1", "2.1.0", "latest", "main"]


async def fill(app: Server, project: str, names: dict[str, list[str]]) -> None:
    """Repositories with tags, written as rows: nothing here looks at their content."""
    number = await project_id(app, project)

    def write(work: Work) -> None:
        digest, moment = b"\1" + bytes(32), work.now
        for name, tags in names.items():
            one: dict[str, Any] = {"project_id": number, "path": f"{project}/{name}", "artifact_count": 1}
            made = insert(Repository).values(**one, created_at=moment, updated_at=moment).returning(Repository.id)
            repository = work.db.execute(made).scalar_one()
            one = {"repository_id": repository, "digest": digest, "media_type": "x", "size_bytes": 1, "tagged": True}
            artifact = work.db.execute(
                insert(Artifact).values(**one, manifest_bytes=1, pushed_at=moment).returning(Artifact.id)
            ).scalar_one()
            one = {"repository_id": repository, "name": "x", "digest": digest, "since": moment}
            history = work.db.execute(insert(TagHistory).values(**one).returning(TagHistory.id)).scalar_one()
            one = {"repository_id": repository, "artifact_id": artifact, "history_id": history, "pushed_at": moment}
            if tags:
                work.db.execute(insert(Tag), [{**one, "name": tag, "version": order_key(tag)} for tag in tags])

    await app.run(write)


async def match(app: Server, project: str, **body: Any) -> dict[str, Any]:
    """The answer, as the administrator gets it."""
    answer = await call(administrator(app), app, "POST", f"/projects/{project}/selectors/match", body)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


def every_selector() -> Iterator[tuple[dict[str, str] | None, dict[str, str] | None]]:
    """Pairs of selectors of repositories and of tags."""
    repositories: list[dict[str, str] | None] = [
        None,
        {"kind": "doublestar", "pattern": "**"},
        {"kind": "doublestar", "pattern": "team/**", "decoration": "repoMatches"},
        {"kind": "doublestar", "pattern": "team/*", "decoration": "repoExcludes"},
        {"kind": "regex", "pattern": "(app|other)"},
    ]
    tags: list[dict[str, str] | None] = [
        {"kind": "doublestar", "pattern": "v*", "decoration": "matches"},
        {"kind": "doublestar", "pattern": "{latest,main}", "decoration": "excludes"},
        {"kind": "regex", "pattern": r"v?[0-9]+\.[0-9]+\.0"},
        {"kind": "semver", "pattern": ">=1.2.0 <3"},
    ]
    return itertools.product(repositories, tags)


def takes(said: dict[str, str] | None, name: str) -> bool:
    """What the rules would say of a name."""
    if said is None:
        return True
    matched = compile_selector(said["kind"], said["pattern"]).matches(name)
    return matched is not said.get("decoration", "").lower().endswith("excludes")


async def test_it_counts_what_the_rules_select(app: Server, project: str) -> None:
    held = {name: TAGS[: 2 + at] for at, name in enumerate(NAMES)}
    await fill(app, project, held)
    for repository, tag in every_selector():
        found = await match(app, project, repository=repository, tag=tag, first=100)
        meant = sorted(name for name in held if takes(repository, name))
        tags = [(name, one) for name in meant for one in sorted(held[name]) if takes(tag, one)]
        assert found["complete"]
        assert found["repositories"] == {"matched": len(meant), "of": len(held)}
        assert found["first_repositories"] == meant
        assert found["tags"] == {"matched": len(tags), "of": sum(len(held[name]) for name in meant)}
        assert [(one["repository"], one["tag"]) for one in found["first_tags"]] == tags
        short = await match(app, project, repository=repository, tag=tag, first=2)
        assert (short["first_repositories"], len(short["first_tags"])) == (meant[:2], min(2, len(tags)))
        assert short["tags"] == found["tags"]
    found = await match(app, project, repository={"pattern": "team/**"})
    assert (found["tags"], found["first_tags"]) == (None, [])
    assert found["repositories"] == {"matched": 3, "of": 5}


async def test_pieces_come_to_the_same(app: Server, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces: several pages of repositories, one of them with more tags than a piece, chunks that shrink."""
    held = {f"r{at:02}": [f"v1.{one}" for one in range((at * 7) % 11)] for at in range(23)}
    held["r05"] = [f"v1.{one}" for one in range(97)]
    await fill(app, project, held)
    whole = await match(app, project, tag={"pattern": "*[05]"}, first=100)
    monkeypatch.setattr(selector_preview, "_REPOSITORIES_AT_ONCE", 5)
    monkeypatch.setattr(selector_preview, "_TAGS_AT_ONCE", 10)
    assert await match(app, project, tag={"pattern": "*[05]"}, first=100) == whole
    tags = [(name, tag) for name in sorted(held) for tag in sorted(held[name]) if tag[-1] in "05"]
    assert whole["tags"] == {"matched": len(tags), "of": sum(map(len, held.values()))}
    assert [(one["repository"], one["tag"]) for one in whole["first_tags"]] == tags[:100]
    monkeypatch.setattr(selector_preview, "MAX_NAMES", 30)
    cut = await match(app, project, tag={"pattern": "*"})
    assert not cut["complete"]
    assert 30 <= cut["repositories"]["of"] + cut["tags"]["of"] <= 40
    monkeypatch.setattr(selector_preview, "SECONDS", -1.0)
    assert not (await match(app, project, tag={"pattern": "*"}))["complete"]


async def test_what_is_deleted_or_elsewhere_does_not_count(app: Server, project: str, admin: Client) -> None:
    other = await make_project(app)
    await fill(app, project, {"app": ["v1"], "gone": ["v1", "v2"]})
    await fill(app, other, {"app": ["v1", "v2", "v3"]})
    answer = await call(admin, app, "DELETE", f"/projects/{project}/repositories/gone")
    assert answer.status == 200
    found = await match(app, project, tag={"pattern": "v*"})
    assert found["repositories"] == {"matched": 1, "of": 1}
    assert found["tags"] == {"matched": 1, "of": 1}


async def test_the_whole_registry_is_matched_by_whole_names(app: Server, project: str, admin: Client) -> None:
    await fill(app, project, {"app": ["v1", "v2"], "web": ["v1"]})
    await fill(app, await make_project(app), {"app": ["v1"]})
    body = {"repository": {"pattern": f"{project}/**"}, "tag": {"pattern": "v1"}}
    answer = await call(admin, app, "POST", "/selectors/match", body)
    assert answer.status == 200, answer
    found = answer.json()
    assert found["first_repositories"] == [f"{project}/app", f"{project}/web"]
    assert found["repositories"]["matched"] == 2 < found["repositories"]["of"]
    assert found["tags"] == {"matched": 2, "of": 3}


async def test_names_that_are_given(app: Server) -> None:
    who = await make_user(app)
    body = {"selector": {"kind": "semver", "pattern": "^1.2"}, "names": ["1.2.0", "v1.9.9", "2.0.0", "main"]}
    answer = await call(who, app, "POST", "/selectors/try", body)
    assert answer.json() == {"matched": 2, "of": 4, "first": ["1.2.0", "v1.9.9"]}
    assert (await call(None, app, "POST", "/selectors/try", body)).status == 401
    body["names"] = ["x"] * 10_001
    assert (await call(who, app, "POST", "/selectors/try", body)).status == 422


@pytest.mark.parametrize(
    ("said", "position"),
    [
        ({"kind": "doublestar", "pattern": "v{1,2"}, 1),
        ({"kind": "doublestar", "pattern": "a[b"}, 1),
        ({"kind": "regex", "pattern": "ab(c"}, None),
        ({"kind": "regex", "pattern": "(a{1000}){1000}"}, None),
        ({"kind": "semver", "pattern": ">=1.2 <oops"}, 7),
        ({"kind": "glob", "pattern": "x"}, None),
        ({"pattern": "x", "decoration": "sometimes"}, None),
        ({"pattern": "x" * 3000}, 2048),
    ],
)
async def test_a_bad_pattern_says_where(app: Server, project: str, admin: Client, said: Any, position: Any) -> None:
    for field in ("repository", "tag"):
        answer = await call(admin, app, "POST", f"/projects/{project}/selectors/match", {field: said})
        assert answer.status == 400
        (error,) = answer.json()["errors"]
        assert error["detail"]["reason"] == "SELECTOR_INVALID"
        assert error["detail"]["field"] == field
        assert error["message"].startswith(f"{field}: ")
        if position is not None:
            assert error["detail"]["position"] == position


@pytest.mark.parametrize("body", [{"first": 101}, {"first": -1}, {"tags": {}}, {"tag": {"patterns": "x"}}, {"tag": []}])
async def test_a_body_that_is_none_is_refused(app: Server, project: str, admin: Client, body: Any) -> None:
    answer = await call(admin, app, "POST", f"/projects/{project}/selectors/match", body)
    assert answer.status in {400, 422}, answer


async def test_who_may_ask(app: Server, project: str, admin: Client) -> None:
    number = await project_id(app, project)
    path, body = f"/projects/{project}/selectors/match", {"tag": {"pattern": "*"}}
    for role in (Role.LIMITED_GUEST, Role.PROJECT_ADMIN):
        assert (await call(await make_user(app, {project: role}), app, "POST", path, body)).status == 200
    assert (await call(await make_user(app), app, "POST", path, body)).status == 403
    assert (await call(None, app, "POST", path, body)).status == 401
    may = [accounts.Permission("repository", "list", number)]
    made = await app.run(accounts.create_robot, unique("robot"), may)
    robot = Client(app, f"robot${made.name}", made.secret, made.id)
    assert (await call(robot, app, "POST", path, {"repository": {"pattern": "*"}})).status == 200
    assert (await call(robot, app, "POST", path, body)).status == 403, "it may not list tags"
    assert (await call(await make_user(app), app, "POST", "/selectors/match", body)).status == 403
    assert (await call(admin, app, "POST", "/selectors/match", {"repository": {"pattern": "x"}})).status == 200


async def test_reading_by_post_is_reading(serve: Serve) -> None:
    """Read-only mode lets it pass, and a token that may read does."""
    app = await serve()
    project = await make_project(app)
    admin = administrator(app)
    made = await call(admin, app, "POST", "/users/current/tokens", {"name": "reader", "scopes": ["api:read"]})
    assert made.status == 201, made
    reader = Client(app, "admin", made.json()["token"])
    assert (await call(admin, app, "PUT", "/configurations", {"read_only": True})).status == 200
    for who in (admin, reader):
        assert (await call(who, app, "POST", f"/projects/{project}/selectors/match", {})).status == 200
        assert (await call(who, app, "POST", "/selectors/match", {})).status == 200
    assert (await call(admin, app, "POST", "/labels", {"name": "x", "scope": "g"})).status == 403
    assert (await call(reader, app, "POST", "/labels", {"name": "x", "scope": "g"})).status == 403


def test_each_read_with_a_body_passes_in_read_only_mode_and_nothing_else() -> None:
    for handler in BUILT:
        (path,) = handler.paths
        (method,) = handler.http_methods
        said = "/api/v2.0" + "/".join("x" if part.startswith("{") else part for part in path.split("/"))
        allowed = _is_always_allowed(str(method), said)
        assert allowed == (handler.opt["reads"] or path == "/configurations"), said


async def test_a_hostile_pattern_takes_no_time(app: Server, project: str) -> None:
    await fill(app, project, {"app": ["a" * 128] * 1 + [f"{'a' * 120}{at}" for at in range(2_000)]})
    async with asyncio.timeout(30):  # one that goes back takes years
        found = await match(app, project, tag={"kind": "regex", "pattern": "(a*)*b"})
    assert found["tags"] == {"matched": 0, "of": 2001}

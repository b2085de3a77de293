"""The tags of a repository in one list."""

import itertools
from typing import Any
from urllib.parse import quote

import pytest

from moorage.access.policy import Role
from tests.api.client import OCI_CONFIG, OCI_MANIFEST, Client, Server, descriptor, digest_of, encode, image, index
from tests.api.conftest import make_project, make_robot, make_user, unique
from tests.api.statements import counting
from tests.api.test_artifacts_api import at, get, post

_number = itertools.count(1)


def config_of(architecture: str = "amd64", os: str = "linux", **more: object) -> bytes:
    """An image's config that no other has."""
    return encode({"architecture": architecture, "os": os, "n": next(_number), **more})


async def names(app: Server, who: Client, path: str) -> list[str]:
    """The names of tags in a list."""
    return [tag["name"] for tag in await get(app, who, path)]


async def test_tags_are_in_the_order_of_versions(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    for tag in ("main-4f2a9c1", "1.9.0", "v2.0.0-rc.1", "latest", "v1.10.0", "v2.0.0", "v2.0.0-rc.10", "2"):
        await repo.image(tag, config=config_of())
    ordered = ["2", "v2.0.0", "v2.0.0-rc.10", "v2.0.0-rc.1", "v1.10.0", "1.9.0", "latest", "main-4f2a9c1"]
    path = at(project, "app", "/tags")
    assert await names(app, admin, path) == ordered
    assert await names(app, admin, f"{path}?sort=version") == ordered[::-1]
    assert await names(app, admin, f"{path}?page_size=3&page=3") == ordered[6:]
    assert await names(app, admin, f"{path}?page_size=3&page=2") == ordered[3:6]
    assert await names(app, admin, f"{path}?sort=name") == sorted(ordered)
    answer = await app.send("GET", f"{path}?page_size=3&page=2", headers=admin.basic)
    assert answer.header("x-total-count") == "8"
    assert 'rel="next"' in (answer.header("link") or "")
    shown = await get(app, admin, path)
    assert [tag["name"] for tag in shown if not tag["is_version"]] == ordered[6:]

    await repo.image("main-4f2a9c1", config=config_of())  # it moves, and is the newest now
    assert await names(app, admin, path) == [*ordered[:6], "main-4f2a9c1", "latest"]


async def test_a_tag_is_shown_with_what_it_points_to(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/team/app")
    config = config_of("arm", variant="v7")
    digest = await repo.image("v1.0.0", "v1", "latest", config=config, layers=[b"one", b"two"])
    path = at(project, "team/app", "/tags")
    shown = await get(app, admin, path)
    assert [tag["name"] for tag in shown] == ["v1", "v1.0.0", "latest"]
    artifact = await get(app, admin, at(project, "team/app", f"/artifacts/{digest}"))
    tag = shown[1]
    assert tag == {
        "id": next(one["id"] for one in artifact["tags"] if one["name"] == "v1.0.0"),
        "name": "v1.0.0",
        "is_version": True,
        "push_time": next(one["push_time"] for one in artifact["tags"] if one["name"] == "v1.0.0"),
        "pushed_by": "admin",
        "pull_time": None,
        "pull_count": 0,
        "artifact_id": artifact["id"],
        "digest": digest,
        "type": "IMAGE",
        "artifact_type": OCI_CONFIG,
        "manifest_media_type": artifact["manifest_media_type"],
        "size": artifact["size"],
        "platforms": [
            {
                "name": "linux/arm/v7", "os": "linux", "architecture": "arm", "variant": "v7", "os_version": "",
                "digest": digest,
            }
        ],
        "equal_tags": ["latest", "v1"],
        "equal_count": 2,
        "immutable_rule": None,
        "labels": [],
        "accessories": [],
        "signature": None,
        "inherited_signature": None,
    }  # fmt: skip


async def test_of_many_equal_tags_ten_are_named_and_all_counted(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    manifest = image(config_of())
    await repo.image("t00", config=config_of())
    digest = await repo.image(*(f"t{number:02}" for number in range(15)), config=b"{}")
    assert digest != digest_of(manifest)
    shown = {tag["name"]: tag for tag in await get(app, admin, at(project, "app", "/tags?page_size=100"))}
    assert {tag["equal_count"] for tag in shown.values()} == {14}
    assert shown["t03"]["equal_tags"] == ["t00", "t01", "t02", *(f"t{number:02}" for number in range(4, 11))]
    assert shown["t14"]["equal_tags"] == [f"t{number:02}" for number in range(10)]


async def push_index(repo: Any, *children: tuple[dict[str, object], dict[str, object]], tag: str) -> dict[str, object]:
    """Push an index of images, each with what the index says of it."""
    entries = []
    for manifest, said in children:
        assert (await repo.put(digest_of(manifest), manifest)).status == 201
        entries.append({**descriptor(encode(manifest), str(manifest["mediaType"])), **said})
    made = {**index(), "manifests": entries}
    assert (await repo.put(tag, made)).status == 201
    return made


async def test_platforms_have_one_order_and_attestations_are_none(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    said: list[dict[str, object]] = [
        {"platform": {"os": "windows", "architecture": "amd64", "os.version": "10.0.1"}},
        {"platform": {"os": "linux", "architecture": "s390x"}},
        {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        {"platform": {"os": "linux", "architecture": "amd64"}},
        {
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
        },
    ]
    children = []
    for entry in said:
        config = config_of()
        for data in (config, b"layer"):
            await repo.blob(data)
        children.append((image(config), entry))
    made = await push_index(repo, *children, tag="v1")
    (tag,) = await get(app, admin, at(project, "app", "/tags"))
    assert [one["name"] for one in tag["platforms"]] == ["linux/amd64", "linux/arm64", "linux/s390x", "windows/amd64"]
    assert tag["platforms"][0]["digest"] == digest_of(children[3][0])
    assert (tag["platforms"][3]["os_version"], tag["digest"]) == ("10.0.1", digest_of(made))


async def test_filters(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    amd = await repo.image("v1.0", "stable", config=config_of())
    arm = await repo.image("v1.1", config=config_of("arm64"))
    config = config_of("arm", variant="v7")
    for data in (config, b"layer"):
        await repo.blob(data)
    child = image(config)
    both = await push_index(
        repo, (child, {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}), tag="v2.0"
    )
    label = await post(app, admin, "/api/v2.0/labels", {"name": unique("label"), "scope": "g"})
    number = int((label.header("location") or "").rpartition("/")[2])
    await post(app, admin, at(project, "app", f"/artifacts/{amd}/labels"), {"id": number})
    signature = image(config, subject={**descriptor(b"", OCI_MANIFEST), "digest": arm})
    signature["artifactType"] = "application/vnd.dev.cosign.artifact.sig.v1+json"
    assert (await repo.put(digest_of(signature), signature)).status == 201

    for query, found in (
        ("name=v1.1", ["v1.1"]),
        ("name=~V1", ["v1.1", "v1.0"]),
        (f"digest={amd}", ["v1.0", "stable"]),
        (f"labels=({number})", ["v1.0", "stable"]),
        ("signed=true", ["v1.1"]),
        ("signed=false", ["v2.0", "v1.0", "stable"]),
        ("platform=linux/amd64", ["v1.0", "stable"]),
        ("platform=linux/arm64", ["v1.1"]),
        ("platform=linux/arm", ["v2.0"]),
        ("platform=linux/arm/v7", ["v2.0"]),
        ("platform=linux/arm/v6", []),
        ("platform={linux/amd64 linux/arm64}", ["v1.1", "v1.0", "stable"]),
        ("type=IMAGE,name=~v2", ["v2.0"]),
        ("push_time=[2000-01-01 00:00:00~]", ["v2.0", "v1.1", "v1.0", "stable"]),
        ("size=[~10]", []),
    ):
        path = at(project, "app", f"/tags?q={quote(query)}")
        answer = await app.send("GET", path, headers=admin.basic)
        assert [tag["name"] for tag in answer.json()] == found, query
        assert answer.header("x-total-count") == str(len(found))
        assert answer.header("x-unread-count") == ("0" if "platform" in query else None)
    for query in ("platform=linux", "platform=~linux", "signed=maybe", "digest=x", "labels=1", "size=x"):
        answer = await app.send("GET", at(project, "app", f"/tags?q={quote(query)}"), headers=admin.basic)
        assert (answer.status, answer.code) == (400, "BAD_REQUEST"), query
    shown = {tag["name"]: tag for tag in await get(app, admin, at(project, "app", "/tags"))}
    assert shown["v1.1"]["signature"] == "signature.cosign"
    assert shown["v1.1"]["accessories"] == [{"type": "signature.cosign", "count": 1}]
    assert shown["v1.0"]["labels"][0]["id"] == number
    assert shown["v2.0"]["digest"] == digest_of(both)
    sizes = [shown[name]["size"] for name in await names(app, admin, at(project, "app", "/tags?sort=-size"))]
    assert sizes == sorted(sizes, reverse=True)
    await repo.get("manifests/v1.0")
    assert (await names(app, admin, at(project, "app", "/tags?sort=-pull_time"))).index("v2.0") >= 0


async def test_the_rule_that_keeps_a_tag_is_named(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await repo.image("v1", "dev")
    rule = {
        "action": "immutable", "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    }  # fmt: skip
    made = await post(app, admin, f"/api/v2.0/projects/{project}/immutabletagrules", rule)
    assert made.status == 201
    number = int((made.header("location") or "").rpartition("/")[2])
    shown = {tag["name"]: tag["immutable_rule"] for tag in await get(app, admin, at(project, "app", "/tags"))}
    assert shown == {"v1": {"id": number, "kind": "doublestar", "pattern": "v*"}, "dev": None}


async def test_a_page_takes_as_many_statements_for_a_hundred_tags_as_for_one(
    app: Server, admin: Client, project: str
) -> None:
    seen = set()
    repo = admin.repo(f"{project}/app")
    there = 0
    for count in (1, 10, 100):
        for number in range(there, count):
            await repo.image(f"v1.{number}", f"same-{number}", config=config_of())
        there = count
        label = await post(app, admin, "/api/v2.0/labels", {"name": unique("label"), "scope": "g"})
        label_id = int((label.header("location") or "").rpartition("/")[2])
        await post(app, admin, at(project, "app", f"/artifacts/v1.{count - 1}/labels"), {"id": label_id})
        for query in ("", "&sort=-size", "&sort=pull_time&page=1"):
            path = at(project, "app", f"/tags?page_size=100{query}")
            assert len(await get(app, admin, path)) == min(100, 2 * count)
            with counting() as counted:
                await get(app, admin, path)
            seen.add(len(counted))
    assert seen == {12}


async def test_who_may_see_the_list(app: Server, project: str, admin: Client) -> None:
    await admin.repo(f"{project}/app").image("v1")
    path = at(project, "app", "/tags")
    for role in (Role.LIMITED_GUEST, Role.GUEST, Role.DEVELOPER, Role.MAINTAINER, Role.PROJECT_ADMIN):
        who = await make_user(app, {project: role})
        (tag,) = await get(app, who, path)
        assert tag["pushed_by"] == (None if role is Role.LIMITED_GUEST else "admin")
    stranger = await make_user(app)
    assert (await app.send("GET", path, headers=stranger.basic)).status == 403
    assert (await app.send("GET", path)).status == 401
    robot = await make_robot(app, project, "pull")
    assert (await app.send("GET", path, headers=robot.basic)).status == 403
    public = await make_project(app, public=True)
    await admin.repo(f"{public}/app").image("v1")
    answer = await app.send("GET", at(public, "app", "/tags"))
    assert (answer.status, answer.json()[0]["pushed_by"]) == (200, None)
    assert (await app.send("GET", at(project, "nothing", "/tags"), headers=admin.basic)).status == 404
    # the tags of one project are not reached through another
    mine = await make_project(app)
    me = await make_user(app, {mine: Role.PROJECT_ADMIN})
    assert (await app.send("GET", at(mine, f"../{project}/app", "/tags"), headers=me.basic)).status == 404


@pytest.mark.parametrize("query", ["page=x", "page_size=101", "sort=name,(select 1)", "q=name"])
async def test_a_query_that_cannot_be_read_is_refused(app: Server, admin: Client, project: str, query: str) -> None:
    await admin.repo(f"{project}/app").image("v1")
    answer = await app.send("GET", at(project, "app", f"/tags?{quote(query, safe='=')}"), headers=admin.basic)
    assert answer.status in {400, 422}

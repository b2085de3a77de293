"""Two artifacts of a repository side by side."""

from typing import Any
from urllib.parse import urlencode

import pytest

from moorage.access.policy import Role
from tests.api.client import Client, Repo, Server, descriptor, digest_of, encode, image
from tests.api.conftest import make_robot, make_user, unique
from tests.api.statements import counting
from tests.api.test_artifacts_api import at, get
from tests.api.test_parts import config_of

OLD: dict[str, Any] = {
    "User": "", "Env": ["PATH=/bin", "A=1", "B"], "Cmd": ["sh"], "Entrypoint": None, "WorkingDir": "/srv",
    "ExposedPorts": {"80/tcp": {}}, "Labels": {"revision": "1", "kept": "x"}, "Volumes": {"/data": {}},
}  # fmt: skip
NEW: dict[str, Any] = {
    "User": "10001", "Env": ["PATH=/bin:/sbin", "C=3=4", "B"], "Cmd": ["sh"], "Entrypoint": ["/init"],
    "ExposedPorts": {"80/tcp": {}, "443/tcp": {}}, "Labels": {"revision": "2", "kept": "x", "new": "y"},
}  # fmt: skip


def path_of(project: str, before: str, after: str, **query: str) -> str:
    """Where two are compared."""
    return at(project, "app", "/compare?" + urlencode({"from": before, "to": after, **query}))


async def compare(app: Server, who: Client, project: str, before: str, after: str, **query: str) -> Any:
    """The answer for two artifacts."""
    return await get(app, who, path_of(project, before, after, **query))


async def push_index(repo: Repo, tag: str, **images: dict[str, object]) -> str:
    """Push an index of images that are there, by their architectures."""
    entries = [
        {**descriptor(encode(one), str(one["mediaType"])), "platform": {"os": "linux", "architecture": name}}
        for name, one in images.items()
    ]
    made = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
    assert (await repo.put(tag, made)).status == 201
    return digest_of(made)


async def push_image(repo: Repo, layers: list[bytes], **config: object) -> dict[str, object]:
    """Push an image without a tag; returns its manifest."""
    raw = config_of(**config)
    await repo.image(config=raw, layers=layers)
    return image(raw, layers)


async def test_layers_and_settings_are_compared(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    base, packages, code, code2 = (unique(word).encode() for word in ("base", "packages", "code", "code2x"))
    steps = [{"created_by": f"step {number}"} for number in (1, 2, 3)]
    old = await repo.image("v1", config=config_of(config=OLD, history=steps), layers=[base, packages, code])
    new = await repo.image("v2", config=config_of(config=NEW, history=steps), layers=[base, code2, packages])
    found = await compare(app, admin, project, "v1", "v2")

    assert (found["from"]["digest"], found["to"]["digest"]) == (old, new)
    assert (found["from"]["compared_digest"], found["equal"]) == (old, False)
    assert found["from"]["platforms"] == found["common_platforms"] == ["linux/amd64"]
    assert found["to"]["compared_platform"] == "linux/amd64"
    assert found["size_difference"] == found["to"]["size"] - found["from"]["size"]
    assert [(one["state"], one["from_position"], one["to_position"], one["created_by"]) for one in found["layers"]] == [
        ("same", 1, 1, "step 1"),
        ("added", None, 2, "step 2"),
        ("same", 2, 3, "step 3"),
        ("removed", 3, None, "step 3"),
    ]
    assert found["layers"][3]["digest"] == digest_of(code)
    assert found["same"] == {"count": 2, "size": len(base) + len(packages)}
    assert found["added"] == {"count": 1, "size": len(code2)}
    assert found["removed"] == {"count": 1, "size": len(code)}
    assert [(one["part"], one["name"], one["change"], one["before"], one["after"]) for one in found["config"]] == [
        ("user", "", "added", None, "10001"),
        ("working_dir", "", "removed", "/srv", None),
        ("entrypoint", "", "added", None, ["/init"]),
        ("env", "A", "removed", "1", None),
        ("env", "C", "added", None, "3=4"),
        ("env", "PATH", "changed", "/bin", "/bin:/sbin"),
        ("port", "443/tcp", "added", None, ""),
        ("volume", "/data", "removed", "", None),
        ("label", "new", "added", None, "y"),
        ("label", "revision", "changed", "1", "2"),
    ]
    assert {one["what"] for one in found["left_out"]} == {"packages", "vulnerabilities", "files"}


async def test_an_artifact_is_equal_to_itself(app: Server, admin: Client, project: str) -> None:
    digest = await admin.repo(f"{project}/app").image("v1", config=config_of(config=OLD), layers=[b"a", b"a", b"b"])
    found = await compare(app, admin, project, "v1", digest)
    assert (found["equal"], found["config"], found["size_difference"]) == (True, [], 0)
    assert [one["state"] for one in found["layers"]] == ["same"] * 3
    assert [one["from_position"] for one in found["layers"]] == [1, 2, 3]


async def test_of_indexes_the_children_of_one_platform_are_compared(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    amd = await push_image(repo, [b"amd64"], architecture="amd64")
    arm = await push_image(repo, [b"arm64"], architecture="arm64")
    newer = await push_image(repo, [b"newer"], architecture="arm64")
    await push_index(repo, "v1", arm64=arm, amd64=amd)
    await push_index(repo, "v2", arm64=newer, s390x=await push_image(repo, [b"s390x"], architecture="s390x"))

    found = await compare(app, admin, project, "v1", "v2")
    assert found["from"]["platforms"] == ["linux/amd64", "linux/arm64"]
    assert found["to"]["platforms"] == ["linux/arm64", "linux/s390x"]
    assert found["common_platforms"] == ["linux/arm64"]
    assert found["from"]["compared_digest"] == digest_of(arm)
    assert found["to"]["compared_digest"] == digest_of(newer)
    assert found["to"]["compared_platform"] == "linux/arm64"

    answer = await app.send("GET", path_of(project, "v1", "v2", platform="linux/amd64"), headers=admin.basic)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert answer.json()["errors"][0]["detail"]["platforms"] == ["linux/arm64", "linux/s390x"]

    # an index beside an image, either way round: the child that runs on the same
    found = await compare(app, admin, project, digest_of(newer), "v1")
    assert found["to"]["compared_digest"] == digest_of(arm)
    found = await compare(app, admin, project, "v1", digest_of(newer))
    assert (found["from"]["compared_digest"], found["equal"]) == (digest_of(arm), False)

    # nothing in common: of each the first
    await push_index(repo, "v3", s390x=amd)
    found = await compare(app, admin, project, "v1", "v3")
    assert (found["common_platforms"], found["from"]["compared_digest"]) == ([], digest_of(amd))


async def test_what_cannot_be_read_is_left_out_and_said(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await repo.image("v1", config=config_of(config=OLD))
    await repo.image("v2", config=b"no json")
    await repo.image("v3", config=config_of(config={"Env": 7, "Labels": [1], "ExposedPorts": "x", "Cmd": {"a": 1}}))
    found = await compare(app, admin, project, "v1", "v2")
    assert (found["config"], found["to"]["config_unread"]) == ([], "not_json")
    found = await compare(app, admin, project, "v2", "v1")
    assert found["from"]["config_unread"] == "not_json"
    found = await compare(app, admin, project, "v1", "v3")
    assert {one["part"] for one in found["config"]} >= {"env", "cmd", "label"}


async def test_charts_are_compared_by_the_keys_of_their_configs(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    for tag, version in (("v1", "1.0"), ("v2", "1.1")):
        config = encode({"name": "shop", "version": version})
        for data in (config, b"chart"):
            await repo.blob(data)
        chart = image(config, [b"chart"])
        chart["config"] = descriptor(config, "application/vnd.cncf.helm.config.v1+json")
        assert (await repo.put(tag, chart)).status == 201
    found = await compare(app, admin, project, "v1", "v2")
    assert found["from"]["type"] == "CHART"
    assert found["config"] == [
        {"part": "config", "name": "version", "change": "changed", "before": "1.0", "after": "1.1"}
    ]


async def test_the_number_of_statements_is_constant(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    counts = set()
    await push_index(repo, "before", a=await push_image(repo, [b"layer"]))
    for number in (1, 10, 100):
        first = await push_image(repo, [unique("layer").encode() for _ in range(number)])
        others = {f"arch{one}": await push_image(repo, [b"layer"]) for one in range(number)}
        await push_index(repo, "after", a=first, **others)
        with counting() as statements:
            await compare(app, admin, project, "before", "after")
        counts.add(len(statements))
    assert len(counts) == 1
    assert counts.pop() <= 22


async def test_who_may_compare(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/app").image("v1", config=config_of())
    path = path_of(project, "v1", "v1")
    assert (await app.send("GET", path)).status == 401
    for role in (Role.LIMITED_GUEST, Role.PROJECT_ADMIN):
        assert (await app.send("GET", path, headers=(await make_user(app, {project: role})).basic)).status == 200
    for who in (await make_user(app), await make_robot(app, project, "pull")):
        assert (await app.send("GET", path, headers=who.basic)).status == 403


@pytest.mark.parametrize("query", ["?from=v1&to=none", "?from=none&to=v1", "?from=v1&to=v1&platform=x", "?from=v1"])
async def test_what_is_not_there(app: Server, admin: Client, project: str, query: str) -> None:
    await admin.repo(f"{project}/app").image("v1", config=config_of())
    answer = await app.send("GET", at(project, "app", f"/compare{query}"), headers=admin.basic)
    # an image is compared whatever platform is asked for; a missing parameter is no way to ask
    assert answer.status == {"?from=v1&to=v1&platform=x": 200, "?from=v1": 422}.get(query, 404)

"""What an artifact consists of: manifest, config, layers, children, and who else uses each blob."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from moorage.access.policy import Role
from tests.api.client import OCI_CONFIG, Client, Repo, Server, changed, descriptor, digest_of, encode, image, index
from tests.api.conftest import make_project, make_robot, make_user, unique
from tests.api.statements import counting
from tests.api.test_artifacts_api import at, get

HISTORY = [
    {"created_by": "ADD rootfs.tar /", "created": "2026-01-01T00:00:00Z"},
    {"created_by": "ENV A=1", "empty_layer": True},
    {"created_by": "COPY app /srv", "author": "me", "comment": "buildkit", "created": 3},
]


def config_of(**more: object) -> bytes:
    """An image's config that no other has."""
    return encode({"architecture": "amd64", "os": "linux", "n": unique("config"), **more})


async def parts_of(app: Server, who: Client, project: str, repository: str, reference: str) -> Any:
    """The answer for one artifact."""
    return await get(app, who, at(project, repository, f"/artifacts/{reference}/parts"))


def find_stored(app: Server, name: str) -> Path:
    """The file of a blob."""
    (stored,) = Path(app.settings.data).glob(f"storage/**/{name}/data*")
    return stored


async def test_an_image_is_told_layer_by_layer(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/team/app")
    config, base, top = (
        config_of(history=HISTORY, config={"User": "1"}),
        unique("base").encode(),
        unique("top").encode(),
    )
    digest = await repo.image("v1", config=config, layers=[base, top], annotations={"a": "b"})
    await repo.image("v2", config=config_of(), layers=[base])
    for name in ("web", "worker"):
        await admin.repo(f"{project}/{name}").image("v1", config=config_of(), layers=[base])
    other = await make_project(app)
    await admin.repo(f"{other}/web").image("v1", config=config_of(), layers=[base])

    shown = await parts_of(app, admin, project, "team/app", "v1")
    manifest = encode(image(config, [base, top], annotations={"a": "b"}))
    assert shown["manifest"].encode() == manifest
    assert "sha256:" + hashlib.sha256(shown["manifest"].encode()).hexdigest() == shown["digest"] == digest
    assert shown["manifest_size"] == len(manifest)
    assert shown["size"] == len(manifest) + len(config) + len(base) + len(top)
    assert (shown["type"], shown["platform"], shown["annotations"]) == ("IMAGE", "linux/amd64", {"a": "b"})
    assert (shown["subject"], shown["children"]) == (None, [])
    assert shown["config"] == {
        "media_type": OCI_CONFIG, "digest": digest_of(config), "size": len(config), "content": json.loads(config),
        "unread": "", "used_by": {"artifacts": 0, "repositories": 0, "repository_names": []},
    }  # fmt: skip
    first, second = shown["layers"]
    assert first == {
        "media_type": descriptor(base)["mediaType"], "digest": digest_of(base), "size": len(base),
        "annotations": {}, "urls": [],
        # of other projects nothing is said
        "used_by": {
            "artifacts": 1, "repositories": 2, "repository_names": [f"{project}/web", f"{project}/worker"],
        },
        "created_by": "ADD rootfs.tar /", "created": "2026-01-01T00:00:00Z", "author": "", "comment": "",
    }  # fmt: skip
    assert second["created_by"] == "COPY app /srv"
    assert (second["author"], second["comment"], second["created"]) == ("me", "buildkit", "")
    assert second["used_by"] == {"artifacts": 0, "repositories": 0, "repository_names": []}


async def test_of_many_repositories_five_are_named_and_all_counted(app: Server, admin: Client, project: str) -> None:
    base = unique("base").encode()
    await admin.repo(f"{project}/app").image("v1", config=config_of(), layers=[base])
    for number in range(7):
        await admin.repo(f"{project}/r{number}").image("v1", config=config_of(), layers=[base])
    (layer,) = (await parts_of(app, admin, project, "app", "v1"))["layers"]
    assert layer["used_by"] == {
        "artifacts": 0, "repositories": 7, "repository_names": [f"{project}/r{number}" for number in range(5)],
    }  # fmt: skip


async def test_an_index_names_its_children(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    config = config_of()
    child = image(config)
    for data in (config, b"layer"):
        await repo.blob(data)
    assert (await repo.put(digest_of(child), child)).status == 201
    entry = descriptor(encode(child), str(child["mediaType"]))
    said = {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}
    note = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    made = {**index(), "manifests": [{**entry, **said}, {**entry, **note}]}
    assert (await repo.put("v1", made)).status == 201

    shown = await parts_of(app, admin, project, "app", "v1")
    assert (shown["config"], shown["layers"], shown["platform"]) == (None, [], "")
    assert shown["manifest"].encode() == encode(made)
    runs, says = shown["children"]
    artifact = await get(app, admin, at(project, "app", f"/artifacts/{digest_of(child)}"))
    assert runs == {
        "media_type": child["mediaType"], "digest": digest_of(child), "artifact_type": "", "annotations": {},
        "platform": "linux/arm/v7", "os_version": "", "attestation": False, "artifact_id": artifact["id"],
        "type": "IMAGE", "size": artifact["size"],
    }  # fmt: skip
    assert (says["attestation"], says["platform"]) == (True, "")
    assert (await parts_of(app, admin, project, "app", digest_of(child)))["layers"][0]["created_by"] is None


async def test_what_refers_to_another_names_it(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    absent = {**descriptor(b"{}", "application/vnd.oci.image.manifest.v1+json"), "size": 77}
    digest = await repo.image(config=config_of(), subject=absent)
    shown = await parts_of(app, admin, project, "app", digest)
    assert shown["subject"] == {"media_type": absent["mediaType"], "digest": absent["digest"], "size": 77}


@pytest.mark.parametrize(
    ("config", "unread"),
    [
        (b"[]", "not_json"),
        (b"not json", "not_json"),
        (b'{"n": 1e999}', "not_json"),
        (b'{"n":' + b"[" * 5000 + b"]" * 5000 + b"}", "not_json"),
        (b'{"n": ' + b"9" * 400 + b"}", ""),
        (b" " * (1 << 20) + b"{}", "too_large"),
        (b'{"history": 7}', ""),
        (b'{"history": [{"created_by": "only one"}, {"created_by": "of two"}]}', ""),
        (b'{"history": ["no object", {"created_by": ["no text"]}]}', ""),
    ],
    ids=["array", "words", "number", "deep", "digits", "large", "history", "other-count", "objects"],
)
async def test_a_strange_config_is_no_error(
    app: Server, admin: Client, project: str, config: bytes, unread: str
) -> None:
    await admin.repo(f"{project}/app").image("v1", config=config, layers=[b"layer"])
    shown = await parts_of(app, admin, project, "app", "v1")
    assert shown["config"]["unread"] == unread
    assert (shown["config"]["content"] is None) == bool(unread)
    assert not shown["layers"][0]["created_by"]


async def test_a_damaged_or_lost_config_is_said(app: Server, admin: Client, project: str) -> None:
    config = config_of()
    await admin.repo(f"{project}/app").image("v1", config=config)
    hexed = digest_of(config).partition(":")[2]
    stored = find_stored(app, hexed)
    with changed(stored, lambda content: content[:-1] + b"!"):
        assert (await parts_of(app, admin, project, "app", "v1"))["config"]["unread"] == "damaged"
    moved = stored.rename(stored.with_name("away"))
    shown = await parts_of(app, admin, project, "app", "v1")
    assert (shown["config"]["unread"], len(shown["layers"])) == ("damaged", 1)
    moved.rename(stored)


async def test_a_foreign_layer_that_is_not_here_is_used_by_nobody(app: Server, admin: Client, project: str) -> None:
    repo: Repo = admin.repo(f"{project}/app")
    config = config_of()
    await repo.blob(config)
    foreign = {
        **descriptor(b"windows", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
        "urls": ["https://example.com/layer"],
    }
    manifest = {**image(config, []), "layers": [foreign]}
    assert (await repo.put("v1", manifest)).status == 201
    (layer,) = (await parts_of(app, admin, project, "app", "v1"))["layers"]
    assert (layer["used_by"], layer["urls"]) == (None, ["https://example.com/layer"])


async def test_the_number_of_statements_is_constant(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    counts: dict[str, set[int]] = {"image": set(), "index": set()}
    for number in (1, 10, 100):
        layers = [f"{unique('layer')}".encode() for _ in range(number)]
        await repo.image(f"v{number}", config=config_of(), layers=layers)
        children = []
        for _ in range(number):
            config = config_of()
            await repo.image(config=config)
            children.append(image(config))
        assert (await repo.put(f"i{number}", index(*children))).status == 201
        for kind, tag in (("image", f"v{number}"), ("index", f"i{number}")):
            with counting() as statements:
                await parts_of(app, admin, project, "app", tag)
            counts[kind].add(len(statements))
    assert {kind: len(seen) for kind, seen in counts.items()} == {"image": 1, "index": 1}, counts
    assert max(counts["image"]) <= 6
    assert max(counts["index"]) <= 5


async def test_who_may_look(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/app").image("v1", config=config_of())
    path = at(project, "app", "/artifacts/v1/parts")
    public = await make_project(app, public=True)
    await admin.repo(f"{public}/app").image("v1", config=config_of())
    assert (await app.send("GET", path)).status == 401
    assert (await app.send("GET", at(public, "app", "/artifacts/v1/parts"))).status == 200
    for role in (Role.LIMITED_GUEST, Role.PROJECT_ADMIN):
        assert (await app.send("GET", path, headers=(await make_user(app, {project: role})).basic)).status == 200
    for who in (await make_user(app), await make_robot(app, project, "pull")):
        assert (await app.send("GET", path, headers=who.basic)).status == 403
    for reference in ("none", "sha256:" + "0" * 64, "%00"):
        absent = await app.send("GET", at(project, "app", f"/artifacts/{reference}/parts"), headers=admin.basic)
        assert absent.status == 404
    assert (await app.send("GET", at(project, "none", "/artifacts/v1/parts"), headers=admin.basic)).status == 404

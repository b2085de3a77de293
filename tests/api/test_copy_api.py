"""Copying artifacts between repositories and projects through the REST API."""

import asyncio
from urllib.parse import quote

import pytest

from moorage.access.policy import Role
from moorage.artifacts.copy import Source, _children_first, copy_artifact
from moorage.quotas import service as quotas
from tests.api.client import OCI_MANIFEST, Answer, Client, Server, descriptor, digest_of, encode, image, index, subject
from tests.api.conftest import make_project, make_user, project_id
from tests.api.statements import counting

BASE = "/api/v2.0"


async def copy(app: Server, who: Client, project: str, repository: str, source: str) -> Answer:
    """Copy `source` to a repository."""
    name = quote(quote(repository, safe=""), safe="")
    path = f"{BASE}/projects/{project}/repositories/{name}/artifacts?from={quote(source)}"
    return await app.send("POST", path, headers=who.basic)


async def used(app: Server, project: str) -> int:
    """Bytes that a project is charged for."""
    return (await app.run(quotas.get_usage, await project_id(app, project))).used_bytes


def test_children_come_before_all_that_name_them() -> None:
    order = _children_first([1, 2, 3, 4], {1: [2, 3], 3: [4], 4: [2]})
    assert order.index(2) < order.index(4) < order.index(3) < order.index(1)
    assert sorted(order) == [1, 2, 3, 4]


async def test_all_that_hangs_on_an_artifact_is_copied_and_charged_once(app: Server, admin: Client) -> None:
    source, target = await make_project(app), await make_project(app)
    repo = admin.repo(f"{source}/app")
    config, layer, payload = b'{"c":1}', b"layer", b"payload"
    child = image(config, [layer])
    await repo.image(config=config, layers=[layer])
    whole = index(child)
    for tag in ("multi", "latest"):
        assert (await repo.put(tag, whole)).status == 201
    for data in (b"{}", payload):
        await repo.blob(data)
    signature = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.example",
        "config": descriptor(b"{}", "application/vnd.oci.empty.v1+json"), "layers": [descriptor(payload)],
        "subject": subject(whole),
    }  # fmt: skip
    assert (await repo.put(digest_of(signature), signature)).status == 201
    simple = descriptor(payload, "application/vnd.dev.cosign.simplesigning.v1+json")
    cosign = {**image(b"{}"), "layers": [simple]}
    tag = digest_of(child).replace(":", "-") + ".sig"
    assert (await repo.put(tag, cosign)).status == 201

    answer = await copy(app, admin, target, "team/copy", f"{source}/app:multi")
    assert (answer.status, answer.body) == (201, b"")
    assert answer.location == f"{BASE}/projects/{target}/repositories/team%252Fcopy/artifacts/{digest_of(whole)}"
    there = admin.repo(f"{target}/team/copy")
    for manifest in (whole, child, signature, cosign):
        assert (await there.get(f"manifests/{digest_of(manifest)}")).body == encode(manifest)
    for data in (config, layer, b"{}", payload):
        assert (await there.get(f"blobs/{digest_of(data)}")).body == data
    assert await there.listed() == ["latest", "multi", tag]
    shown = (
        await app.send("GET", f"{BASE}/projects/{target}/artifacts?with_accessory=true", headers=admin.basic)
    ).json()
    assert [one["digest"] for one in shown] == [digest_of(whole)]
    assert [one["digest"] for one in shown[0]["accessories"]] == [digest_of(signature)]
    assert await used(app, target) == await used(app, source)
    assert (await copy(app, admin, target, "team/copy", f"{source}/app@{digest_of(whole)}")).status == 201
    assert await used(app, target) == await used(app, source)


async def test_who_wants_to_hear_of_it_is_looked_up_once_whatever_is_copied(app: Server, admin: Client) -> None:
    source, target = await make_project(app), await make_project(app)
    repo = admin.repo(f"{source}/app")
    whole = index(*[image(b"{}", [bytes([number])]) for number in range(4)])
    for number in range(4):
        await repo.image(config=b"{}", layers=[bytes([number])])
    assert (await repo.put("multi", whole)).status == 201
    to, origin = await project_id(app, target), await project_id(app, source)
    with counting() as statements:
        await app.run(
            copy_artifact, to, f"{target}/app",
            source_project=origin, source=Source(f"{source}/app", "multi"), lease_seconds=60,
        )  # fmt: skip

    asked = [
        table for one in statements for table in ("FROM replication_policy", "FROM webhook_policy") if table in one
    ]
    assert sorted(asked) == ["FROM replication_policy", "FROM webhook_policy"]


async def test_what_cannot_be_copied_is_refused_and_leaves_nothing(app: Server, admin: Client) -> None:
    source, target = await make_project(app), await make_project(app, limit_bytes=500)
    repo = admin.repo(f"{source}/app")
    thing = image(b"{}", [b"x" * 1000])
    await repo.image("v1", config=b"{}", layers=[b"x" * 1000])
    accessory = image(b"{}", [b"x" * 1000], subject=subject(thing))
    assert (await repo.put("signature", accessory)).status == 201
    for source_text, status, code in (
        (f"{source}/app:v1", 403, "DENIED"), (f"{source}/app:signature", 403, "DENIED"),
        (f"{source}/app:nothing", 404, "NOT_FOUND"), (f"{source}/none:v1", 404, "NOT_FOUND"),
        ("no-such-project/app:v1", 404, "NOT_FOUND"), (f"{source}:v1", 400, "BAD_REQUEST"),
        (f"{source}/app", 400, "BAD_REQUEST"), (f"{source}/app@x", 404, "NOT_FOUND"), ("", 400, "BAD_REQUEST"),
    ):  # fmt: skip
        answer = await copy(app, admin, target, "copy", source_text)
        assert (answer.status, answer.code) == (status, code), source_text
    assert await used(app, target) == 0
    assert (await app.rows("SELECT count(*) FROM repository WHERE path = :path", path=f"{target}/copy")) == [(0,)]
    assert (await copy(app, admin, target, "BAD NAME", f"{source}/app:v1")).status == 400


async def test_a_copy_needs_pull_there_and_create_here(app: Server, admin: Client) -> None:
    source, target = await make_project(app), await make_project(app)
    await admin.repo(f"{source}/app").image("v1")
    for roles, status in (
        ({target: Role.DEVELOPER}, 403), ({source: Role.DEVELOPER}, 403),
        ({source: Role.LIMITED_GUEST, target: Role.GUEST}, 403),
        ({source: Role.LIMITED_GUEST, target: Role.DEVELOPER}, 201),
    ):  # fmt: skip
        who = await make_user(app, roles)
        assert (await copy(app, who, target, "copy", f"{source}/app:v1")).status == status, roles
    assert (await copy(app, Client(app), target, "copy", f"{source}/app:v1")).status == 401


@pytest.mark.parametrize("repeat", range(2))
async def test_copies_at_once_agree(app: Server, admin: Client, repeat: int) -> None:
    source, target = await make_project(app), await make_project(app)
    for number in range(4):
        config = encode({"n": number, "r": repeat})
        await admin.repo(f"{source}/app").image(f"v{number}", config=config, layers=[b"shared"])
    answers = await asyncio.gather(
        *(copy(app, admin, target, "copy", f"{source}/app:v{number % 4}") for number in range(12))
    )
    assert {answer.status for answer in answers} == {201}
    assert await admin.repo(f"{target}/copy").listed() == ["v0", "v1", "v2", "v3"]
    assert await used(app, target) == await used(app, source)

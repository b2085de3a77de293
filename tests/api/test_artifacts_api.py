"""Repositories, artifacts and tags through the REST API."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from moorage.access.policy import Role
from tests.api.client import (
    OCI_CONFIG,
    OCI_MANIFEST,
    Answer,
    Client,
    Repo,
    Server,
    descriptor,
    digest_of,
    encode,
    image,
    index,
    subject,
)
from tests.api.conftest import make_project, make_robot, make_user, unique
from tests.api.statements import counting, is_ours, watching

BASE = "/api/v2.0"
NEVER = "0001-01-01T00:00:00.000Z"


def at(project: str, repository: str, rest: str = "") -> str:
    """The path of a repository, its slashes encoded as the contract's clients do."""
    return f"{BASE}/projects/{project}/repositories/{quote(quote(repository, safe=''), safe='')}{rest}"


async def get(app: Server, who: Client, path: str) -> Any:
    """The body of a GET that succeeds."""
    answer = await app.send("GET", path, headers=who.basic)
    assert answer.status == 200, answer
    return answer.json()


async def post(app: Server, who: Client, path: str, body: object, method: str = "POST") -> Answer:
    """A request with a JSON body."""
    return await app.send(method, path, encode(body), headers={**who.basic, "content-type": "application/json"})  # type: ignore[arg-type]


def digests(items: list[dict[str, Any]]) -> list[str]:
    """The digests of a list of artifacts."""
    return [item["digest"] for item in items]


# -- repositories -----------------------------------------------------------------------------------------


async def test_a_repository_is_there_with_its_first_artifact(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/team/app")
    await repo.blob(b"{}")
    assert await get(app, admin, f"{BASE}/projects/{project}/repositories") == []

    await repo.image("v1")
    (listed,) = await get(app, admin, f"{BASE}/projects/{project}/repositories")
    assert listed["name"] == f"{project}/team/app"
    assert (listed["artifact_count"], listed["pull_count"]) == (1, 0)
    assert listed["creation_time"].endswith("Z")
    assert "description" not in listed
    for name in ("team%2Fapp", "team%252Fapp"):
        assert await get(app, admin, f"{BASE}/projects/{project}/repositories/{name}") == listed


async def test_a_description_changes_and_nothing_else_of_the_body_does(
    app: Server, admin: Client, project: str
) -> None:
    await admin.repo(f"{project}/app").image("v1")
    before = await get(app, admin, at(project, "app"))
    body = {
        "description": "<script>alert(1)</script>", "id": 1, "project_id": 1, "name": "library/x", "artifact_count": 9,
        "pull_count": 9, "creation_time": "2000-01-01T00:00:00Z", "deleted": True,
    }  # fmt: skip
    assert (await post(app, admin, at(project, "app"), body, "PUT")).status == 200
    after = await get(app, admin, at(project, "app"))
    assert after == {**before, "description": body["description"], "update_time": after["update_time"]}
    assert (await post(app, admin, at(project, "app"), {"description": None}, "PUT")).status == 200
    assert (await get(app, admin, at(project, "app")))["description"] == body["description"]
    answer = await post(app, admin, at(project, "app"), {"description": "x" * 70_000}, "PUT")
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert (await post(app, admin, at(project, "nothing"), {"description": "x"}, "PUT")).status == 404
    assert ("update", "repository", f"{project}/app") in await app.rows(
        "SELECT operation, resource_type, resource FROM audit WHERE resource = :name", name=f"{project}/app"
    )


async def test_repositories_are_filtered_sorted_and_paged(app: Server, admin: Client, project: str) -> None:
    names = [f"{project}/{letter}-app" for letter in "abcde"]
    for name in names:
        await admin.repo(name).image("v1")
    path = f"{BASE}/projects/{project}/repositories"
    assert [one["name"] for one in await get(app, admin, path)] == names[::-1]
    assert [one["name"] for one in await get(app, admin, f"{path}?sort=name")] == names
    assert [one["name"] for one in await get(app, admin, f"{path}?sort=-name&page_size=2&page=3")] == names[:1]
    answer = await app.send("GET", f"{path}?page_size=2&page=2&sort=name", headers=admin.basic)
    assert [one["name"] for one in answer.json()] == names[2:4]
    assert answer.header("x-total-count") == "5"
    assert 'rel="prev"' in (answer.header("link") or "")
    for query, found in (
        (f"name={names[1]}", names[1:2]),
        ("name=~B-A", names[1:2]),
        ("name=~%25", []),
        ("name=~_", []),
        (f"name={{{names[0]} {names[3]}}}", [names[3], names[0]]),
        ("artifact_count=[2~]", []),
    ):
        assert [one["name"] for one in await get(app, admin, f"{path}?q={quote(query)}")] == found, query
    answer = await app.send("GET", f"{path}?q=nonsense=1&sort=what", headers=admin.basic)
    assert (len(answer.json()), "nonsense, what" in (answer.header("warning") or "")) == (5, True)
    for query, status in (("page_size=101", 422), ("page=x", 422), ("q=name", 400), ("sort=name,(select 1)", 400)):
        assert (await app.send("GET", f"{path}?{quote(query, safe='=&')}", headers=admin.basic)).status == status
    assert await get(app, admin, f"{path}?page=999999999999") == []


async def test_the_list_of_all_shows_what_the_caller_may_list(app: Server, admin: Client) -> None:
    mine, public, other = await make_project(app), await make_project(app, public=True), await make_project(app)
    word = unique("word")
    for name in (mine, public, other):
        await admin.repo(f"{name}/{word}").image("v1")
    guest = await make_user(app, {mine: Role.LIMITED_GUEST})
    robot = await make_robot(app, mine, "pull")
    path = f"{BASE}/repositories?q=name=~{word}&sort=name"

    async def seen(who: Client) -> set[str]:
        answer = await app.send("GET", path, headers=who.basic)
        assert answer.header("x-total-count") == str(len(answer.json()))
        return {one["name"].partition("/")[0] for one in answer.json()}

    assert await seen(Client(app)) == {public}
    assert await seen(guest) == {mine, public}
    assert await seen(admin) == {mine, public, other}
    assert await seen(robot) == {public}
    answer = await app.send("GET", f"{BASE}/repositories?page_size=1", headers=guest.basic)
    assert int(answer.header("x-total-count") or 0) >= 2


async def test_who_may_do_what_with_a_repository(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/app").image("v1")
    expected = {
        Role.LIMITED_GUEST: (200, 403, 403), Role.GUEST: (200, 403, 403), Role.DEVELOPER: (200, 200, 403),
        Role.MAINTAINER: (200, 200, 200),
    }  # fmt: skip
    for role, (read, change, remove) in expected.items():
        who = await make_user(app, {project: role})
        assert (await app.send("GET", at(project, "app"), headers=who.basic)).status == read
        assert (await post(app, who, at(project, "app"), {"description": role.name}, "PUT")).status == change
        assert (await app.send("DELETE", at(project, "app"), headers=who.basic)).status == remove
    stranger = await make_user(app)
    for method in ("GET", "DELETE"):
        assert (await app.send(method, at(project, "app"), headers=stranger.basic)).status == 403
        assert (await app.send(method, at(project, "app"))).status == 401


async def test_a_deleted_repository_is_gone_its_name_is_free_and_its_content_waits(
    app: Server, admin: Client, project: str
) -> None:
    repo = admin.repo(f"{project}/app")
    digest = await repo.image("v1", "v2")
    assert (await app.send("DELETE", at(project, "app"), headers=admin.basic)).status == 200
    assert (await app.send("GET", at(project, "app"), headers=admin.basic)).status == 404
    assert (await app.send("DELETE", at(project, "app"), headers=admin.basic)).status == 404
    assert (await repo.get("manifests/v1")).status == 404
    assert await get(app, admin, f"{BASE}/projects/{project}/repositories") == []
    rows = await app.rows(
        "SELECT t.kind, t.label, p.repository_count FROM trash t JOIN project p ON p.id = t.project_id "
        "WHERE p.name = :name",
        name=project,
    )
    assert rows == [("repository", f"{project}/app", 0)]
    held = await app.rows(
        "SELECT count(*) FROM artifact_blob b JOIN repository r ON r.id = b.repository_id WHERE r.path = :path",
        path=f"{project}/app",
    )
    assert held == [(2,)]

    await repo.image("v1", layers=[b"another"])
    (listed,) = await get(app, admin, at(project, "app", "/artifacts"))
    assert listed["digest"] != digest
    assert [tag["name"] for tag in listed["tags"]] == ["v1"]


async def test_children_of_other_projects_are_not_found(app: Server, admin: Client) -> None:
    mine, other = await make_project(app), await make_project(app)
    await admin.repo(f"{other}/app").image("v1")
    owner = await make_user(app, {mine: Role.PROJECT_ADMIN})
    for rest in ("", "/artifacts", "/artifacts/v1", "/artifacts/v1/tags", "/artifacts/v1/accessories"):
        assert (await app.send("GET", at(mine, "app", rest), headers=owner.basic)).status == 404, rest
        assert (await app.send("GET", at(other, "app", rest), headers=owner.basic)).status == 403, rest
    for rest in ("", "/artifacts/v1", "/artifacts/v1/tags/v1"):
        assert (await app.send("DELETE", at(mine, "app", rest), headers=owner.basic)).status == 404, rest
        assert (await app.send("DELETE", at(other, "app", rest), headers=owner.basic)).status == 403, rest
    for name in ("../app", "A", "a%00b", "app;1", "x" * 300):
        path = f"{BASE}/projects/{other}/repositories/{quote(name, safe='%')}"
        assert (await app.send("GET", path, headers=admin.basic)).status == 404, name


# -- artifacts --------------------------------------------------------------------------------------------


async def test_an_artifact_says_what_it_is(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    config = {
        "architecture": "arm64", "os": "linux", "author": "somebody", "created": "2026-01-02T03:04:05Z",
        "config": {"Labels": {"a": "b"}}, "rootfs": {"type": "layers"}, "history": [{"created_by": "x"}],
    }  # fmt: skip
    digest = await repo.image("v1", "latest", config=encode(config), annotations={"org.example": "1"})
    (listed,) = await get(app, admin, at(project, "app", "/artifacts"))
    assert listed["digest"] == digest
    assert listed["type"] == "IMAGE"
    assert listed["media_type"] == listed["artifact_type"] == OCI_CONFIG
    assert listed["manifest_media_type"] == OCI_MANIFEST
    assert listed["repository_name"] == f"{project}/app"
    assert listed["extra_attrs"] == {key: config[key] for key in ("architecture", "author", "config", "created", "os")}
    assert listed["annotations"] == {"org.example": "1"}
    assert listed["pull_time"] == NEVER
    assert sorted(tag["name"] for tag in listed["tags"]) == ["latest", "v1"]
    assert {tag["artifact_id"] for tag in listed["tags"]} == {listed["id"]}
    assert listed["addition_links"]["build_history"]["href"].endswith(f"/artifacts/{digest}/additions/build_history")
    sizes = len(encode(config)) + len(b"layer")
    assert listed["size"] > sizes
    for reference in ("v1", "latest", digest):
        assert await get(app, admin, at(project, "app", f"/artifacts/{reference}")) == listed
    for key in ("labels", "accessories", "references", "inherited_accessories"):
        assert key not in listed
    icon = await get(app, Client(app), f"{BASE}/icons/{listed['icon']}")
    assert icon["content-type"] == "image/svg+xml"
    assert (await app.send("GET", f"{BASE}/icons/sha256:0")).status == 404


async def test_a_config_is_read_once_and_what_is_no_json_says_nothing(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    for name, config in (("good", b'{"os":"linux"}'), ("list", b"[]"), ("bad", b"\xff\x00"), ("deep", b"[" * 5000)):
        await repo.image(name, config=config)
    items = await get(app, admin, at(project, "app", "/artifacts"))
    assert [item.get("extra_attrs") for item in items] == [None, None, None, {"os": "linux"}]
    rows = await app.rows(
        "SELECT count(*) FROM artifact_description d JOIN artifact a ON a.id = d.artifact_id "
        "JOIN repository r ON r.id = a.repository_id WHERE r.path = :path",
        path=f"{project}/app",
    )
    assert rows == [(4,)]
    assert await get(app, admin, at(project, "app", "/artifacts")) == items


@pytest.mark.parametrize(
    ("config", "more", "kind"),
    [
        ("application/vnd.cncf.helm.config.v1+json", {}, "CHART"),
        ("application/vnd.cncf.model.config.v1+json", {}, "CNAI"),
        ("application/vnd.acme.rocket.config.v1+json", {}, "ROCKET"),
        ("application/vnd.oci.empty.v1+json", {"artifactType": "application/vnd.wasm.config.v1+json"}, "WASM"),
        ("application/json", {}, "UNKNOWN"),
    ],
)
async def test_the_type_of_an_artifact(
    app: Server, admin: Client, config: str, more: dict[str, object], kind: str
) -> None:
    project = await make_project(app)
    repo = admin.repo(f"{project}/app")
    raw = b'{"name":"thing","version":"1.2.3"}'
    await repo.blob(raw)
    await repo.blob(b"layer")
    manifest = {**image(raw), "config": descriptor(raw, config), **more}
    assert (await repo.put("v1", manifest)).status == 201
    shown = await get(app, admin, at(project, "app", "/artifacts/v1"))
    assert (shown["type"], shown["media_type"]) == (kind, config)
    assert shown["artifact_type"] == more.get("artifactType", config)
    assert shown["extra_attrs"] == {"name": "thing", "version": "1.2.3"}
    assert len(await get(app, admin, at(project, "app", f"/artifacts?q=type={kind}"))) == 1


async def test_an_index_shows_its_children_and_hides_them_from_the_list(
    app: Server, admin: Client, project: str
) -> None:
    repo = admin.repo(f"{project}/app")
    one, two = image(b'{"a":1}'), image(b'{"a":2}')
    await repo.image(config=b'{"a":1}')
    await repo.image("tagged", config=b'{"a":2}')
    whole = index(one, two)
    whole["manifests"][0]["platform"] = {  # type: ignore[index]
        "architecture": "arm64", "os": "linux", "os.version": "5", "os.features": ["x"], "variant": "v8",
    }  # fmt: skip
    elsewhere = ["https://mirror.example/one", "https://other.example/one"]
    whole["manifests"][0] |= {"urls": elsewhere, "annotations": {"org.example.a": "b"}}  # type: ignore[index]
    assert (await repo.put("multi", whole)).status == 201
    items = await get(app, admin, at(project, "app", "/artifacts"))
    assert digests(items) == [digest_of(whole), digest_of(two)]
    first, second = items[0]["references"]
    assert (first["child_digest"], second["child_digest"]) == (digest_of(one), digest_of(two))
    assert first["platform"] == {
        "architecture": "arm64", "os": "linux", "'os.version'": "5", "'os.features'": ["x"], "variant": "v8",
    }  # fmt: skip
    assert (first["urls"], first["annotations"]) == (elsewhere, {"org.example.a": "b"})
    assert not {"urls", "annotations"} & second.keys()
    assert first["parent_id"] == items[0]["id"]
    assert items[0]["type"] == "IMAGE"
    assert "extra_attrs" not in items[0]
    everything = await app.send("GET", at(project, "app", "/artifacts?q=base=*"), headers=admin.basic)
    assert everything.header("x-total-count") == "3"
    assert set(digests(everything.json())) == {digest_of(one), digest_of(two), digest_of(whole)}
    answer = await app.send("DELETE", at(project, "app", f"/artifacts/{digest_of(one)}"), headers=admin.basic)
    assert (answer.status, answer.code) == (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")


async def test_artifacts_are_asked_for_by_their_tags(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    a = await repo.image("v1", "Release-1", config=b'{"n":1}')
    b = await repo.image("v2", config=b'{"n":2}')
    c = await repo.image(config=b'{"n":3}')

    async def found(query: str) -> list[str]:
        answer = await app.send("GET", at(project, "app", f"/artifacts?q={quote(query)}"), headers=admin.basic)
        assert answer.status == 200, answer
        assert answer.header("x-total-count") == str(len(answer.json()))
        return digests(answer.json())

    assert await found("tags=*") == [b, a]
    assert await found("tags=nil") == [c]
    assert await found("tags=v1") == [a]
    assert await found("tags=~v") == [b, a]
    assert await found("tags=~release") == []
    assert await found("tags=~Rel") == [a]
    assert await found("tags=~%") == []
    assert await found("tags={v1 v2}") == [b, a]
    assert await found("tags=v3") == []
    assert await found(f"digest={c}") == [c]
    assert await found("media_type=nothing") == []
    assert await found("size=[1~]") == [c, b, a]
    assert digests(await get(app, admin, at(project, "app", "/artifacts?sort=push_time"))) == [a, b, c]
    assert digests(await get(app, admin, at(project, "app", "/artifacts?sort=push_time&page_size=1&page=2"))) == [b]
    for query in ("digest=x", "labels=1", "labels=(a)", "size=x", "tags=[a~b]"):
        path = at(project, "app", f"/artifacts?q={quote(query)}")
        assert (await app.send("GET", path, headers=admin.basic)).status == 400, query
    items = await get(app, admin, at(project, "app", "/artifacts?with_tag=false"))
    assert not any("tags" in item for item in items)
    assert (await app.send("GET", at(project, "app", "/artifacts?with_tag=x"), headers=admin.basic)).status == 422


async def test_what_a_list_of_artifacts_does_not_know_is_named(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await repo.image("v1")
    path = f"{BASE}/projects/{project}/repositories/app/artifacts"

    async def warned(query: str) -> str | None:
        answer = await app.send("GET", f"{path}?{query}", headers=admin.basic)
        assert (answer.status, answer.header("x-total-count")) == (200, "1")
        return answer.header("warning")

    assert await warned("q=annotations=x&sort=what") == '299 - "ignored, not known here: annotations, what"'
    assert await warned("q=annotations=x,type=IMAGE") == '299 - "ignored, not known here: annotations"'
    assert await warned("q=type=(IMAGE%20CHART)") == '299 - "ignored, not known here: type=(...)"'
    assert await warned("q=base=*&sort=-push_time") is None


async def test_a_pull_shows(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await repo.image("v1", config=b'{"n":1}')
    await repo.image("v2", config=b'{"n":2}')
    await repo.get("manifests/v1")
    await repo.noted(pulls=1)
    assert (await get(app, admin, at(project, "app")))["pull_count"] == 1
    shown = await get(app, admin, at(project, "app", "/artifacts/v1"))
    assert shown["pull_time"] > "2020"
    assert shown["tags"][0]["pull_time"] == shown["pull_time"]
    newest = await get(app, admin, at(project, "app", "/artifacts?sort=-pull_time"))
    assert [item["tags"][0]["name"] for item in newest] == ["v1", "v2"]


async def test_artifacts_of_a_project_and_the_newest_of_each_repository(
    app: Server, admin: Client, project: str
) -> None:
    pushed = []
    for name in ("a", "b"):
        for number in range(2):
            config = encode({"n": number, "of": name})
            pushed.append(await admin.repo(f"{project}/{name}").image(f"v{number}", config=config))
    path = f"{BASE}/projects/{project}/artifacts"
    assert digests(await get(app, admin, path)) == pushed[::-1]
    answer = await app.send("GET", f"{path}?latest_in_repository=true", headers=admin.basic)
    assert digests(answer.json()) == [pushed[3], pushed[1]]
    assert answer.header("x-total-count") == "2"
    assert digests(await get(app, admin, f"{path}?q=tags=v0")) == [pushed[2], pushed[0]]
    assert digests(await get(app, admin, f"{path}?page_size=1&page=4")) == [pushed[0]]


async def test_accessories_hang_on_what_they_refer_to(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    child = image(b'{"c":1}')
    await repo.image(config=b'{"c":1}')
    whole = index(child)
    assert (await repo.put("multi", whole)).status == 201
    empty, payload = b"{}", b"payload"
    for data in (empty, payload):
        await repo.blob(data)

    def referrer(artifact_type: str) -> dict[str, object]:
        return {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": artifact_type,
            "config": descriptor(empty, "application/vnd.oci.empty.v1+json"), "layers": [descriptor(payload)],
            "subject": subject(whole),
        }  # fmt: skip

    signature = referrer("application/vnd.cncf.notary.signature")
    other = referrer("application/vnd.example.thing")
    for manifest in (signature, other):
        assert (await repo.put(digest_of(manifest), manifest)).status == 201
    simple = descriptor(payload, "application/vnd.dev.cosign.simplesigning.v1+json")
    cosign = {**image(empty), "layers": [simple]}
    tag = digest_of(whole).replace(":", "-") + ".sig"
    assert (await repo.put(tag, cosign)).status == 201

    items = await get(app, admin, at(project, "app", "/artifacts?with_accessory=true"))
    assert digests(items) == [digest_of(whole)]
    assert [(one["type"], one["digest"]) for one in items[0]["accessories"]] == [
        ("signature.notation", digest_of(signature)),
        ("subject.accessory", digest_of(other)),
        ("signature.cosign", digest_of(cosign)),
    ]
    assert [one["artifact_type"] for one in items[0]["accessories"]][:2] == [
        "application/vnd.cncf.notary.signature",
        "application/vnd.example.thing",
    ]
    assert {one["subject_artifact_digest"] for one in items[0]["accessories"]} == {digest_of(whole)}
    path = at(project, "app", f"/artifacts/{digest_of(child)}?with_inherited_accessory=true")
    inherited = (await get(app, admin, path))["inherited_accessories"]
    assert [one["type"] for one in inherited] == ["signature.notation", "signature.cosign"]
    path = at(project, "app", "/artifacts/multi/accessories")
    answer = await app.send("GET", f"{path}?page_size=2&sort=creation_time", headers=admin.basic)
    assert (answer.header("x-total-count"), len(answer.json())) == ("3", 2)
    assert [one["type"] for one in await get(app, admin, f"{path}?q=type=~signature&sort=creation_time")] == [
        "signature.notation",
        "signature.cosign",
    ]
    upon = {**referrer("application/vnd.cncf.notary.signature"), "subject": subject(other)}
    assert (await repo.put(digest_of(upon), upon)).status == 201
    shown = await get(app, admin, path)
    assert {one["digest"] for one in shown if one.get("has_accessories")} == {digest_of(other)}
    gone = at(project, "app", f"/artifacts/{digest_of(upon)}")
    assert (await app.send("DELETE", gone, headers=admin.basic)).status == 200
    assert not any(one.get("has_accessories") for one in await get(app, admin, path))
    referrers = (await repo.get(f"referrers/{digest_of(whole)}")).json()["manifests"]
    assert digest_of(cosign) in {one["digest"] for one in referrers}
    assert (await app.send("DELETE", at(project, "app", "/artifacts/multi"), headers=admin.basic)).status == 200
    assert (await repo.get(f"manifests/{tag}")).status == 404
    assert await get(app, admin, at(project, "app", "/artifacts?q=base=*")) == []


# -- tags -------------------------------------------------------------------------------------------------


async def test_tags_are_listed_made_and_deleted(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/team/app")
    digest = await repo.image("v1")
    other = await repo.image("other", config=b'{"n":2}')
    tags = at(project, "team/app", f"/artifacts/{digest}/tags")
    answer = await post(app, admin, tags, {"name": "v2", "id": 7, "immutable": True, "artifact_id": 1})
    assert (answer.status, answer.body) == (201, b"")
    assert answer.location.endswith(f"/artifacts/{quote(digest)}/tags/v2")
    assert (await repo.get("manifests/v2")).header("docker-content-digest") == digest
    assert [tag["name"] for tag in await get(app, admin, tags)] == ["v2", "v1"]
    assert [tag["name"] for tag in await get(app, admin, f"{tags}?q=name=v1")] == ["v1"]
    assert [tag["name"] for tag in await get(app, admin, f"{tags}?page_size=1&page=2")] == ["v1"]
    assert (await get(app, admin, tags))[0]["immutable"] is False
    for name in ("v2", "other"):
        answer = await post(app, admin, tags, {"name": name})
        assert (answer.status, answer.code) == (409, "CONFLICT"), name
    for body in ({"name": "-x"}, {"name": ""}, {}, {"name": "a/b"}, {"name": "x" * 129}):
        assert (await post(app, admin, tags, body)).status == 400, body
    assert (await post(app, admin, tags, {"name": 1})).status == 422
    nowhere = at(project, "team/app", f"/artifacts/{digest_of(b'x')}/tags")
    assert (await post(app, admin, nowhere, {"name": "v9"})).status == 404

    wrong = at(project, "team/app", f"/artifacts/{other}/tags/v2")
    assert (await app.send("DELETE", wrong, headers=admin.basic)).status == 404
    assert (await app.send("DELETE", f"{tags}/v2", headers=admin.basic)).status == 200
    assert (await app.send("DELETE", f"{tags}/v2", headers=admin.basic)).status == 404
    assert await repo.listed() == ["other", "v1"]
    rows = await app.rows(
        "SELECT operation FROM audit WHERE resource_type = 'tag' AND resource = :name ORDER BY id",
        name=f"{project}/team/app:v2",
    )
    assert rows == [("create",), ("delete",)]


async def test_a_tag_brings_a_child_into_the_list(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    child = image(b'{"c":1}')
    await repo.image(config=b'{"c":1}')
    assert (await repo.put("multi", index(child))).status == 201
    tags = at(project, "app", f"/artifacts/{digest_of(child)}/tags")
    assert (await post(app, admin, tags, {"name": "child"})).status == 201
    assert (await get(app, admin, at(project, "app")))["artifact_count"] == 2
    assert len(await get(app, admin, at(project, "app", "/artifacts"))) == 2
    assert (await app.send("DELETE", f"{tags}/child", headers=admin.basic)).status == 200
    assert (await get(app, admin, at(project, "app")))["artifact_count"] == 1


async def test_of_many_who_make_one_tag_one_does(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    found = [await repo.image(config=encode({"n": number})) for number in range(4)]
    answers = await asyncio.gather(
        *(post(app, admin, at(project, "app", f"/artifacts/{digest}/tags"), {"name": "v1"}) for digest in found * 3)
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    assert await repo.listed() == ["v1"]


async def test_who_may_do_what_with_artifacts_and_tags(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await repo.image("v1")
    expected = {
        Role.LIMITED_GUEST: (200, 403, 403, 403), Role.GUEST: (200, 403, 403, 403),
        Role.DEVELOPER: (200, 201, 403, 403), Role.MAINTAINER: (200, 201, 200, 200),
    }  # fmt: skip
    for role, (read, create, untag, remove) in expected.items():
        who = await make_user(app, {project: role})
        for rest in ("", "/v1", "/v1/tags", "/v1/accessories"):
            assert (await app.send("GET", at(project, "app", f"/artifacts{rest}"), headers=who.basic)).status == read
        tags, name = at(project, "app", "/artifacts/v1/tags"), unique("t")
        assert (await post(app, who, tags, {"name": name})).status == create
        assert (await app.send("DELETE", f"{tags}/{name}", headers=who.basic)).status == untag
        assert (await app.send("DELETE", at(project, "app", "/artifacts/v1"), headers=who.basic)).status == remove
    assert (await app.send("GET", at(project, "app", "/artifacts"))).status == 401


async def test_a_public_project_is_read_by_everybody(app: Server, admin: Client) -> None:
    project = await make_project(app, public=True)
    await admin.repo(f"{project}/app").image("v1")
    nobody = Client(app)
    assert len(await get(app, nobody, at(project, "app", "/artifacts"))) == 1
    assert len(await get(app, nobody, f"{BASE}/projects/{project}/repositories")) == 1
    assert (await app.send("DELETE", at(project, "app", "/artifacts/v1"))).status == 401


# -- cost -------------------------------------------------------------------------------------------------


async def test_a_list_takes_as_many_statements_for_100_rows_as_for_one(app: Server, admin: Client) -> None:
    flags = "with_label=true&with_accessory=true&with_inherited_accessory=true&with_immutable_status=true"
    seen: dict[str, set[int]] = {}
    for rows in (1, 10, 100):
        project = await make_project(app)
        repo: Repo = admin.repo(f"{project}/app")
        await repo.image("first")
        for number in range(1, rows):
            manifest = image(annotations={"n": str(number)})
            assert (await repo.put(f"v{number}", manifest)).status == 201
        paths = [
            at(project, "app", f"/artifacts?page_size=100&{flags}"),
            at(project, "app", "/artifacts?page_size=100&q=tags=*"),
            f"{BASE}/projects/{project}/artifacts?page_size=100&{flags}",
            at(project, "app", "/artifacts/first/tags"),
            f"{BASE}/projects/{project}/repositories",
        ]
        for number, path in enumerate(paths):
            await get(app, admin, path)  # configs are read now
            with counting() as counted:
                items = await get(app, admin, path)
            assert len(items) == (rows if number < 3 else 1)
            seen.setdefault(str(number), set()).add(len(counted))
    assert all(len(counts) == 1 for counts in seen.values()), seen
    assert all(max(counts) <= 10 for counts in seen.values()), seen


async def test_the_pages_are_read_from_their_indexes(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/app").image("v1")
    plans: list[str] = []

    def explain(raw: Any, statement: str, parameters: Any) -> None:
        if is_ours() and app.database.kind == "sqlite" and "ORDER BY" in statement and "LIMIT" in statement:
            plans.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    with counting(), watching(explain):
        for path in (
            at(project, "app", "/artifacts"),
            f"{BASE}/projects/{project}/repositories",
            f"{BASE}/repositories",
        ):
            await get(app, admin, path)
    if app.database.kind == "sqlite":
        for name in ("ix_artifact_page", "ix_repository_project_page", "ix_repository_page"):
            assert any(name in plan for plan in plans), plans
        assert not any("TEMP B-TREE" in plan for plan in plans), plans

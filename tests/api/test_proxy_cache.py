"""Projects that mirror another registry: how they are made, what may be done with them, and what a pull finds."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from unittest import mock

import pytest
import pytest_asyncio

from moorage.access.policy import Role
from moorage.db.engine import _PostgresqlReader, _SqliteReader
from moorage.oci.digest import compute
from tests.api.client import OCI_MANIFEST, Answer, Client, Server, encode, image
from tests.api.conftest import make_user, unique
from tests.api.test_labels_api import ask
from tests.fakes.scripted import Heard, Say, Scripted, scripted

_MANIFEST = re.compile(r"/v2/(.+)/manifests/(.+)")
_BLOB = re.compile(r"/v2/(.+)/blobs/(.+)")


@dataclass
class Shelf:
    """A registry in memory. `failing`: answers everything with this instead."""

    tags: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    failing: Say | None = None

    def put(self, repository: str, tag: str, seed: str = "") -> bytes:
        """An image under a tag; its manifest."""
        layer, config = f"layer of {repository} {tag} {seed}".encode(), b'{"os": "linux"}'
        raw = encode(image(config, [layer]))
        self.blobs |= {str(compute(one)): one for one in (layer, config)}
        self.manifests[str(compute(raw))] = raw
        self.tags[repository, tag] = raw
        return raw

    def __call__(self, heard: Heard) -> Say:
        if heard.path == "/v2/":
            return Say(200, {})
        if self.failing is not None:
            return self.failing
        if found := _MANIFEST.fullmatch(heard.path):
            raw = self.manifests.get(found[2]) or self.tags.get((found[1], found[2]))
            if raw is None:
                return Say(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]})
            return Say(200, raw, {"content-type": OCI_MANIFEST, "docker-content-digest": str(compute(raw))})
        if found := _BLOB.fullmatch(heard.path):
            data = self.blobs.get(found[2])
            return Say(404) if data is None else Say(200, data)
        return Say(404)


@dataclass
class Mirror:
    """A mirror of a registry in memory, and somebody who may pull from it."""

    app: Server
    admin: Client
    guest: Client
    name: str
    registry_id: int
    shelf: Shelf
    heard: list[Heard]

    async def get(self, repository: str, reference: str, method: str = "GET") -> Answer:
        headers = {**self.guest.basic, "accept": OCI_MANIFEST}
        return await self.app.send(method, f"/v2/{self.name}/{repository}/manifests/{reference}", headers=headers)

    async def blob(self, repository: str, digest: str, method: str = "GET", **headers: str) -> Answer:
        path = f"/v2/{self.name}/{repository}/blobs/{digest}"
        return await self.app.send(method, path, headers={**self.guest.basic, **headers})

    def asked(self, method: str, part: str) -> int:
        return sum(one.method == method and part in one.path for one in self.heard)


async def make_registry(app: Server, admin: Client, upstream: Scripted, kind: str = "docker-registry") -> int:
    body = {"name": unique("up"), "type": kind, "url": upstream.url, "insecure": False}
    made = await ask(app, admin, "POST", "/registries", body)
    assert made.status == 201, made
    return int(made.location.rpartition("/")[2])


async def make_mirror(app: Server, admin: Client, upstream: Scripted, shelf: Shelf, **more: object) -> Mirror:
    kind = str(more.pop("kind", "docker-registry"))
    registry_id = await make_registry(app, admin, upstream, kind)
    name = unique("mirror")
    made = await ask(app, admin, "POST", "/projects", {"project_name": name, "registry_id": registry_id, **more})
    assert made.status == 201, made
    guest = await make_user(app, {name: Role.GUEST})
    return Mirror(app, admin, guest, name, registry_id, shelf, upstream.heard)


@pytest_asyncio.fixture(loop_scope="session")
async def shelf() -> Shelf:
    return Shelf()


@pytest_asyncio.fixture(loop_scope="session")
async def upstream(shelf: Shelf) -> AsyncIterator[Scripted]:
    async with scripted(shelf) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def mirror(app: Server, admin: Client, upstream: Scripted, shelf: Shelf) -> Mirror:
    return await make_mirror(app, admin, upstream, shelf)


# -- the project ------------------------------------------------------------------------------------------


async def test_a_mirror_is_made_shown_and_keeps_its_registry(app: Server, admin: Client, mirror: Mirror) -> None:
    shown = (await ask(app, admin, "GET", f"/projects/{mirror.name}")).json()
    assert shown["registry_id"] == mirror.registry_id
    other = {"registry_id": mirror.registry_id + 1}
    answer = await ask(app, admin, "PUT", f"/projects/{mirror.name}", other)
    assert (answer.status, answer.json()["errors"][0]["detail"]["reason"]) == (400, "REGISTRY_FIXED")
    same = {"registry_id": mirror.registry_id, "metadata": {"proxy_speed_kb": "100", "proxy_cache_tag_seconds": "7"}}
    assert (await ask(app, admin, "PUT", f"/projects/{mirror.name}", same)).status == 200
    shown = (await ask(app, admin, "GET", f"/projects/{mirror.name}")).json()
    assert (shown["metadata"]["proxy_speed_kb"], shown["metadata"]["proxy_cache_tag_seconds"]) == ("100", "7")

    in_use = await ask(app, admin, "DELETE", f"/registries/{mirror.registry_id}")
    assert (in_use.status, in_use.code) == (412, "PRECONDITION")
    # Hosted projects have none of these, and a mirror has nobody who signs.
    for project, key in ((unique("hosted"), "proxy_speed_kb"), (mirror.name, "enable_content_trust")):
        await ask(app, admin, "POST", "/projects", {"project_name": project})
        answer = await ask(app, admin, "PUT", f"/projects/{project}/metadatas/{key}", {key: "1"})
        assert answer.status in {400, 404}


@pytest.mark.parametrize("seconds", ["-1", "soon", "99999999"])
async def test_a_time_to_live_is_seconds(app: Server, admin: Client, mirror: Mirror, seconds: str) -> None:
    body = {"metadata": {"proxy_cache_tag_seconds": seconds}}
    assert (await ask(app, admin, "PUT", f"/projects/{mirror.name}", body)).status == 400


async def test_only_administrators_make_mirrors(app: Server, admin: Client, upstream: Scripted) -> None:
    made = await make_registry(app, admin, upstream)
    somebody = await make_user(app)
    body = {"project_name": unique("mirror"), "registry_id": made}
    assert (await ask(app, somebody, "POST", "/projects", body)).status == 403
    assert (await ask(app, admin, "POST", "/projects", {**body, "registry_id": 10**9})).status == 404


async def test_a_mirror_begins_with_a_retention_policy(app: Server, admin: Client, mirror: Mirror) -> None:
    shown = (await ask(app, admin, "GET", f"/projects/{mirror.name}")).json()
    policy = (await ask(app, admin, "GET", f"/retentions/{shown['metadata']['retention_id']}")).json()
    (rule,) = policy["rules"]
    assert (rule["template"], rule["params"]["nDaysSinceLastPull"]) == ("nDaysSinceLastPull", 7)
    assert policy["trigger"]["settings"]["cron"] == "0 0 0 * * *"


async def test_nothing_is_pushed_to_a_mirror(app: Server, admin: Client, mirror: Mirror) -> None:
    raw = mirror.shelf.put("team/app", "v1")
    assert (await mirror.get("team/app", "v1")).status == 200
    repository = f"{mirror.name}/team/app"
    for method, path in (
        ("PUT", f"/v2/{repository}/manifests/v2"),
        ("POST", f"/v2/{repository}/blobs/uploads/"),
        ("POST", f"/v2/{repository}/blobs/uploads/?mount={compute(b'x')}&from={mirror.name}/team/other"),
    ):
        headers = {**admin.basic, "content-type": OCI_MANIFEST}
        answer = await app.send(method, path, raw if method == "PUT" else b"", headers=headers)
        assert (answer.status, answer.code) == (403, "DENIED"), answer
    one = f"/projects/{mirror.name}/repositories/team%252Fapp/artifacts"
    tagged = await ask(app, admin, "POST", f"{one}/{compute(raw)}/tags", {"name": "v2"})
    copied = await ask(app, admin, "POST", f"{one}?from={repository}:v1")
    assert (tagged.status, copied.status) == (405, 405)
    assert tagged.code == "METHOD_NOT_ALLOWED"


# -- pulls ------------------------------------------------------------------------------------------------


async def pull(mirror: Mirror, repository: str, tag: str) -> bytes:
    """All of an image; its manifest."""
    answer = await mirror.get(repository, tag)
    assert answer.status == 200, answer
    for digest in re.findall(rb"sha256:[0-9a-f]{64}", answer.body):
        found = await mirror.blob(repository, digest.decode())
        assert (found.status, str(compute(found.body))) == (200, digest.decode())
    return answer.body


async def kept(mirror: Mirror, repository: str) -> list[str]:
    """The tags that a repository shows, once it shows any."""
    path = f"/projects/{mirror.name}/repositories/{repository.replace('/', '%252F')}/artifacts"
    for _ in range(200):
        answer = await ask(mirror.app, mirror.admin, "GET", path)
        tags = [tag["name"] for one in answer.json() for tag in one["tags"] or ()] if answer.status == 200 else []
        if tags:
            return tags
        await asyncio.sleep(0.02)
    raise AssertionError("it was not kept")


async def test_what_was_pulled_is_here(mirror: Mirror) -> None:
    raw = mirror.shelf.put("team/app", "v1")
    assert await pull(mirror, "team/app", "v1") == raw
    assert await kept(mirror, "team/app") == ["v1"]
    mirror.shelf.failing = Say(500)
    assert await pull(mirror, "team/app", "v1") == raw
    assert await pull(mirror, "team/app", str(compute(raw))) == raw
    assert (mirror.asked("GET", "/manifests/"), mirror.asked("HEAD", "/manifests/")) == (1, 0)
    size = len(next(iter(mirror.shelf.blobs.values())))
    head = await mirror.blob("team/app", next(iter(mirror.shelf.blobs)), "HEAD")
    assert (head.status, head.header("content-length")) == (200, str(size))


async def test_a_warm_pull_costs_what_a_hosted_one_does(mirror: Mirror) -> None:
    mirror.shelf.put("team/app", "v1")
    await pull(mirror, "team/app", "v1")
    await kept(mirror, "team/app")
    assert (await mirror.get("team/app", "v1")).status == 200
    token = await mirror.guest.token(f"repository:{mirror.name}/team/app:pull")
    headers = {"authorization": f"Bearer {token}"}
    reader = _SqliteReader if mirror.app.settings.sqlite_file else _PostgresqlReader
    with mock.patch.object(reader, "one", autospec=True, side_effect=reader.one) as one:
        answer = await mirror.app.send("GET", f"/v2/{mirror.name}/team/app/manifests/v1", headers=headers)
    assert (answer.status, one.call_count) == (200, 1)


async def test_a_name_of_docker_hub_without_a_namespace_is_one_of_its_own(
    app: Server, admin: Client, upstream: Scripted, shelf: Shelf
) -> None:
    mirror = await make_mirror(app, admin, upstream, shelf, kind="docker-hub")
    raw = shelf.put("library/nginx", "1")
    assert await pull(mirror, "nginx", "1") == raw
    assert await kept(mirror, "library/nginx") == ["1"]
    assert await pull(mirror, "library/nginx", "1") == raw
    assert await pull(mirror, "nginx", "1") == raw
    assert mirror.asked("GET", "/manifests/") == 1


async def test_who_may_not_pull_here_learns_nothing_of_the_upstream(app: Server, mirror: Mirror) -> None:
    mirror.shelf.put("team/app", "v1")
    stranger = await make_user(app)
    answer = await app.send("GET", f"/v2/{mirror.name}/team/app/manifests/v1", headers=stranger.basic)
    assert (answer.status, mirror.asked("GET", "/manifests/")) == (401, 0)

"""A registry in memory, and projects that mirror it."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from moorage.access.policy import Role
from moorage.oci.digest import compute
from moorage.proxycache import pending_manifests, upstream_cache, upstream_lists, upstreams
from tests.api.client import OCI_INDEX, OCI_MANIFEST, Answer, Client, Server, encode, image
from tests.api.conftest import make_user, unique
from tests.api.test_labels_api import ask
from tests.fakes.scripted import Heard, Say, Scripted, scripted

_MANIFEST = re.compile(r"/v2/(.+)/manifests/(.+)")
_REFERRERS = re.compile(r"/v2/(.+)/referrers/(.+)")
_BLOB = re.compile(r"/v2/(.+)/blobs/(.+)")


class Clock:
    """The steady clock of the caches. It stands still, however long a busy machine takes, until a test sets it on."""

    later = 0

    def __call__(self) -> float:
        """Seconds."""
        return _BEGAN + self.later


_BEGAN = time.monotonic()
CLOCK = Clock()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    CLOCK.later = 0
    for module in (pending_manifests, upstreams, upstream_lists, upstream_cache):
        monkeypatch.setattr(module, "monotonic", CLOCK)


@dataclass
class Shelf:
    """A registry in memory. `failing`: answers everything with this instead."""

    tags: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    referrers: dict[tuple[str, str], list[dict[str, object]]] = field(default_factory=dict)
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
        if heard.path.endswith("/tags/list"):
            name = heard.path[4:-10]
            tags = [tag for repository, tag in self.tags if repository == name]
            return Say(200, {"name": name, "tags": tags}) if tags else Say(404, {"errors": [{"code": "NAME_UNKNOWN"}]})
        if found := _REFERRERS.fullmatch(heard.path):
            entries = self.referrers.get((found[1], found[2]), [])
            return Say(200, {"schemaVersion": 2, "manifests": entries}, {"content-type": OCI_INDEX})
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

"""A project mirrors Debian's docker-registry, which is reached through a proxy that counts and fails as it is told."""

import asyncio
import base64
import contextlib
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from moorage.oci.digest import Digest, compute
from moorage.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from moorage.remotes.client import Client, open_client
from moorage.remotes.connection import Endpoint
from moorage.remotes.http import Outgoing
from moorage.settings import Secret
from tests import serving
from tests.fakes.flaky import Flaky, flaky
from tests.parts import Parts
from tests.parts.docker_registry import DockerRegistry
from tests.serving import Moorage

pytestmark = pytest.mark.part("docker_registry")

ACCEPT = {"accept": f"{OCI_MANIFEST}, {OCI_INDEX}"}
API = "/api/v2.0"


# -- content ----


@dataclass
class Content:
    """An index of images. By digest: bytes, and for manifests their type, children before what names them."""

    root: Digest = field(default_factory=lambda: compute(b""))
    manifests: dict[Digest, tuple[bytes, str]] = field(default_factory=dict)
    blobs: dict[Digest, bytes] = field(default_factory=dict)

    def blob(self, data: bytes, media_type: str) -> dict[str, object]:
        self.blobs[compute(data)] = data
        return {"mediaType": media_type, "digest": str(compute(data)), "size": len(data)}

    def put(self, body: dict[str, object]) -> Digest:
        raw = json.dumps({"schemaVersion": 2, **body}, indent=3).encode()  # no writer's own form: kept byte for byte
        self.root = compute(raw)
        self.manifests[self.root] = (raw, str(body["mediaType"]))
        return self.root

    def image(self, seed: str, *sizes: int) -> Digest:
        layers = [
            self.blob(random.Random(f"{seed}{number}").randbytes(size), OCI_LAYER) for number, size in enumerate(sizes)
        ]
        config = self.blob(json.dumps({"os": "linux", "architecture": "amd64", "seed": seed}).encode(), OCI_CONFIG)
        return self.put({"mediaType": OCI_MANIFEST, "config": config, "layers": layers})

    def index(self, *children: Digest) -> Digest:
        entries = [
            {"mediaType": OCI_MANIFEST, "digest": str(one), "size": len(self.manifests[one][0])} for one in children
        ]
        return self.put({"mediaType": OCI_INDEX, "manifests": entries})


def image(seed: str, *sizes: int) -> Content:
    content = Content()
    content.image(seed, *(sizes or (300_000, 5_000)))
    return content


# -- registries ----


@dataclass
class Upstream:
    """The registry that is mirrored: reached directly, and through the proxy."""

    straight: Client
    proxy: Flaky
    account: tuple[str, str]

    async def push(self, repository: str, tag: str, content: Content) -> None:
        def reading(data: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a reader of copy
            async def read(start: int) -> AsyncIterator[bytes]:
                yield data[start:]

            return read

        for digest, data in content.blobs.items():
            await self.straight.put_blob(repository, digest, len(data), reading(data))
        for digest, (raw, media_type) in content.manifests.items():
            await self.straight.put_manifest(repository, str(digest), raw, media_type)
        await self.straight.put_manifest(repository, tag, *content.manifests[content.root])

    def passed(self, method: str, part: str) -> int:
        """How many requests for `part` were no mere questions for a challenge."""
        return sum(
            1 for one in self.proxy.asked if one.method == method and part in one.path and one.header("authorization")
        )


@contextlib.asynccontextmanager
async def upstream_of(parts: Parts) -> AsyncIterator[Upstream]:
    registry = parts.get("docker_registry", DockerRegistry)
    account = (registry.username, registry.password)
    endpoint = Endpoint(url=f"http://{registry.host}", username=account[0], password=Secret(account[1]))
    async with open_client(Outgoing(), endpoint) as straight, flaky(registry.host) as proxy:
        yield Upstream(straight, proxy, account)


@dataclass
class Mirror:
    """A client of a server with a mirror called `proxy`."""

    server: Moorage
    client: httpx.AsyncClient
    upstream: Upstream

    async def api(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await self.client.request(method, API + path, json=body)

    async def mirror(self, name: str, **more: object) -> None:
        registry = {
            "name": f"up-{name}", "type": "docker-registry", "url": self.upstream.proxy.url, "insecure": False,
            "credential": {
                "type": "basic", "access_key": self.upstream.account[0], "access_secret": self.upstream.account[1],
            },
        }  # fmt: skip
        made = await self.api("POST", "/registries", registry)
        assert made.status_code == 201, made.text
        registry_id = int(made.headers["location"].rpartition("/")[2])
        made = await self.api("POST", "/projects", {"project_name": name, "registry_id": registry_id, **more})
        assert made.status_code == 201, made.text

    async def set(self, name: str, key: str, value: str) -> None:
        metadata = {"metadata": {key: value}}
        answer = await self.api("PUT", f"/projects/{name}", metadata)
        assert answer.status_code == 200, answer.text
        await asyncio.sleep(2.1)  # what a server process may remember of a mirror

    async def manifest(self, repository: str, reference: str, method: str = "GET") -> httpx.Response:
        return await self.client.request(method, f"/v2/{repository}/manifests/{reference}", headers=ACCEPT)

    async def blob(self, repository: str, digest: Digest | str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/v2/{repository}/blobs/{digest}", headers=headers)

    async def pull(self, repository: str, tag: str, content: Content) -> None:
        """What a client does, all of it compared."""
        found = await self.manifest(repository, tag, "HEAD")
        assert found.status_code == 200, found.text
        assert found.headers["docker-content-digest"] == str(content.root)
        for digest, (raw, media_type) in reversed(content.manifests.items()):
            answer = await self.manifest(repository, str(digest))
            assert (answer.status_code, answer.content) == (200, raw)
            assert answer.headers["content-type"] == media_type
        for digest, data in content.blobs.items():
            answer = await self.blob(repository, digest)
            assert (answer.status_code, answer.content == data) == (200, True), answer

    async def artifacts(self, project: str, repository: str) -> list[dict[str, Any]]:
        path = f"/projects/{project}/repositories/{repository.replace('/', '%252F')}/artifacts?page_size=100"
        answer = await self.api("GET", path)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found


@contextlib.asynccontextmanager
async def mirrors(parts: Parts, data: Path, **settings: object) -> AsyncIterator[Mirror]:
    workers = settings.pop("workers", None)
    assert workers is None or isinstance(workers, int)
    with serving.serve(data, settings=settings, workers=workers) as server:
        limits = httpx.Limits(max_connections=200)
        login = base64.b64encode(f"{server.admin.username}:{server.admin.password}".encode()).decode()
        async with (
            upstream_of(parts) as upstream,
            httpx.AsyncClient(
                base_url=server.url, headers={"authorization": f"Basic {login}"}, timeout=60, limits=limits
            ) as client,
        ):
            yield Mirror(server, client, upstream)


async def until(done: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not await done():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.05)


# -- stories ----


async def test_an_image_is_fetched_once_and_kept(parts: Parts, tmp_path: Path) -> None:
    content = Content()
    one, two = content.image("one", 400_000, 20_000), content.image("two", 0, 70_000)
    content.index(one, two)
    async with mirrors(parts, tmp_path / "data") as here:
        await here.upstream.push("team/app", "v1", content)
        await here.mirror("proxy")
        await here.pull("proxy/team/app", "v1", content)

        async def is_kept() -> bool:
            return [tag["name"] for one in await here.artifacts("proxy", "team/app") for tag in one["tags"] or ()] == [
                "v1"
            ]

        await until(is_kept)
        for digest in content.blobs:
            assert here.upstream.passed("GET", f"/blobs/{digest}") == 1
        asked = len(here.upstream.proxy.asked)
        await here.pull("proxy/team/app", "v1", content)
        assert len(here.upstream.proxy.asked) == asked

        (kept,) = await here.artifacts("proxy", "team/app")
        assert kept["digest"] == str(content.root)
        assert {child["child_digest"] for child in kept["references"]} == {str(one), str(two)}

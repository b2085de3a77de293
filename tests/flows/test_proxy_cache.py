"""A project mirrors Debian's docker-registry, which is reached through a proxy that counts and fails as it is told."""

import asyncio
import base64
import contextlib
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from moorage.oci.digest import Digest, compute
from moorage.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_client import Client, open_client
from moorage.remotes.registry_connection import Endpoint
from moorage.settings import Secret
from tests import serving
from tests.fakes.flaky import Asked, Fault, Flaky, flaky
from tests.parts import Parts
from tests.parts.docker_registry import DockerRegistry
from tests.parts.postgres import Postgres
from tests.serving import Moorage

pytestmark = [pytest.mark.part("docker_registry"), pytest.mark.part("postgres")]

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


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server with one worker."""
    with serving.serve(tmp_path_factory.mktemp("one") / "data", settings={"log.level": "warning"}) as server:
        yield server


@pytest.fixture(scope="module")
def two(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server with two workers, on PostgreSQL."""
    postgres, settings = parts.get("postgres", Postgres), {"log.level": "warning"}
    url, data = postgres.url(postgres.create()), tmp_path_factory.mktemp("two") / "data"
    with serving.serve(data, settings=settings, workers=2, database_url=url) as server:
        yield server


@contextlib.asynccontextmanager
async def mirrors(parts: Parts, server: Moorage) -> AsyncIterator[Mirror]:
    limits = httpx.Limits(max_connections=200)
    login = base64.b64encode(f"{server.admin.username}:{server.admin.password}".encode()).decode()
    headers = {"authorization": f"Basic {login}"}
    async with (
        upstream_of(parts) as upstream,
        httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60, limits=limits) as client,
    ):
        yield Mirror(server, client, upstream)


async def until(done: Any, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await done():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.05)


# -- stories ----


async def test_an_image_is_fetched_once_and_kept(parts: Parts, one: Moorage) -> None:
    content = Content()
    children = content.image("one", 400_000, 20_000), content.image("two", 0, 70_000)
    content.index(*children)
    async with mirrors(parts, one) as here:
        await here.upstream.push("team/app", "v1", content)
        await here.mirror("kept")
        await here.pull("kept/team/app", "v1", content)

        async def is_kept() -> bool:
            return [tag["name"] for one in await here.artifacts("kept", "team/app") for tag in one["tags"] or ()] == [
                "v1"
            ]

        await until(is_kept)
        for digest in content.blobs:
            assert here.upstream.passed("GET", f"/blobs/{digest}") == 1
        asked = len(here.upstream.proxy.asked)
        await here.pull("kept/team/app", "v1", content)
        assert len(here.upstream.proxy.asked) == asked

        (kept,) = await here.artifacts("kept", "team/app")
        assert kept["digest"] == str(content.root)
        assert {named["child_digest"] for named in kept["references"]} == {str(child) for child in children}


@pytest.mark.parametrize("servers", ["one", "two"])
async def test_a_hundred_who_pull_at_once_are_one_request_for_each_blob(
    parts: Parts, request: pytest.FixtureRequest, servers: str
) -> None:
    content, repository = Content(), f"storm/{servers}"
    content.index(content.image(servers, 2_000_000, 20_000))
    async with mirrors(parts, request.getfixturevalue(servers)) as here:
        await here.upstream.push(repository, "v1", content)
        await here.mirror("storm")
        await asyncio.gather(*(here.pull(f"storm/{repository}", "v1", content) for _ in range(100)))
        for digest in content.blobs:
            assert here.upstream.passed("GET", f"/blobs/{digest}") == 1
        for reference in ("v1", *(digest for digest in content.manifests if digest != content.root)):
            assert here.upstream.passed("GET", f"/manifests/{reference}") == 1

        # When its time is over, a hundred who ask are one HEAD.
        await here.set("storm", "proxy_cache_tag_seconds", "2")
        before = here.upstream.passed("HEAD", "/manifests/v1")
        found = await asyncio.gather(*(here.manifest(f"storm/{repository}", "v1") for _ in range(100)))
        assert {one.content for one in found} == {content.manifests[content.root][0]}
        assert here.upstream.passed("HEAD", "/manifests/v1") - before <= 2

        async def is_clean() -> bool:
            return not list((here.server.data / "arrivals").iterdir())

        await until(is_clean)


async def test_who_fetches_may_be_killed(parts: Parts, two: Moorage) -> None:
    content = image("killed", 12_000_000)
    (layer, data), *_ = sorted(content.blobs.items(), key=lambda one: -len(one[1]))
    async with mirrors(parts, two) as here:
        await here.upstream.push("killed/app", "v1", content)
        await here.mirror("killed", metadata={"proxy_speed_kb": "4000"})

        async def get() -> bytes:
            try:
                return (await here.blob("killed/killed/app", layer)).content
            except httpx.TransportError:
                return b""

        pulls = [asyncio.create_task(get()) for _ in range(12)]
        arrivals = here.server.data / "arrivals"

        async def is_coming() -> bool:
            return any(path.stat().st_size > 3_000_000 for path in arrivals.glob("*"))

        await until(is_coming)
        (file,) = (path for path in arrivals.iterdir() if not path.suffix)
        os.kill(holder_of(file), signal.SIGKILL)
        found = await asyncio.gather(*pulls)
        assert found.count(data) >= 1
        assert set(found) <= {data, b""}
        requests = [one for one in here.upstream.proxy.asked if str(layer) in one.path and one.header("authorization")]
        assert len(requests) == 2
        assert int(requests[1].header("range").removeprefix("bytes=").rstrip("-")) > 2_000_000
        assert (await here.blob("killed/killed/app", layer)).content == data
        assert here.upstream.passed("GET", f"/blobs/{layer}") == 2


async def test_a_server_that_is_killed_leaves_nothing_in_the_way(parts: Parts, two: Moorage) -> None:
    content = image("cut", 9_000_000)
    (layer, data), *_ = sorted(content.blobs.items(), key=lambda one: -len(one[1]))
    async with mirrors(parts, two) as here:
        await here.upstream.push("cut/app", "v1", content)
        await here.mirror("cut", metadata={"proxy_speed_kb": "2000"})
        pulling = asyncio.create_task(here.blob("cut/cut/app", layer))
        arrivals = here.server.data / "arrivals"

        async def is_coming() -> bool:
            return any(path.stat().st_size > 2_000_000 for path in arrivals.glob("*"))

        await until(is_coming)
        here.server.kill()
        with pytest.raises(httpx.TransportError):
            await pulling
        (left,) = (path for path in arrivals.iterdir() if path.suffix)
        with left.open("r+b") as file:  # as after a power cut: what is there need not be what was written
            file.seek(1_000_000)
            file.write(bytes(100_000))
        here.server.start(fault="append.written:kill")
        assert not list(arrivals.iterdir())
        await here.set("cut", "proxy_speed_kb", "-1")
        with contextlib.suppress(httpx.TransportError):  # killed while the storage takes the file: it may be all out
            assert (await here.blob("cut/cut/app", layer)).content == data

        async def is_killed() -> bool:
            return "fault: kill at append.written" in here.server.log_text()

        await until(is_killed)
        here.server.kill()
        here.server.start()
        assert not list(arrivals.iterdir())
        assert (await here.blob("cut/cut/app", layer)).content == data

        async def is_clean() -> bool:
            return not list(arrivals.iterdir())

        await until(is_clean)
        asked = here.upstream.passed("GET", f"/blobs/{layer}")
        assert (await here.blob("cut/cut/app", layer)).content == data
        assert here.upstream.passed("GET", f"/blobs/{layer}") == asked


def holder_of(file: Path) -> int:
    """The process that holds the lock of a file."""
    inode = str(file.stat().st_ino)
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
            return int(words[4])
    raise AssertionError("nobody holds it")


async def test_a_client_that_is_slow_or_goes_away_holds_nobody_up(parts: Parts, one: Moorage) -> None:
    content = image("slow", 30_000_000)
    (layer, data), *_ = sorted(content.blobs.items(), key=lambda one: -len(one[1]))
    async with mirrors(parts, one) as here:
        await here.upstream.push("slow/app", "v1", content)
        await here.mirror("slow")
        path = f"/v2/slow/slow/app/blobs/{layer}"
        async with here.client.stream("GET", path) as slow:
            pieces = slow.aiter_raw(100_000)
            first = await anext(pieces)
            assert (await here.blob("slow/slow/app", layer)).content == data
            rest = b"".join([piece async for piece in pieces])
        assert first + rest == data
        other = image("gone", 20_000_000)
        (layer, data), *_ = sorted(other.blobs.items(), key=lambda one: -len(one[1]))
        await here.upstream.push("slow/app", "v2", other)
        async with here.client.stream("GET", f"/v2/slow/slow/app/blobs/{layer}") as gone:
            await anext(gone.aiter_raw(1000))
        assert (await here.blob("slow/slow/app", layer)).content == data
        assert here.upstream.passed("GET", f"/blobs/{layer}") == 1


async def test_a_connection_that_breaks_is_taken_up_where_it_broke(parts: Parts, one: Moorage) -> None:
    content = image("broken", 5_000_000)
    (layer, data), *_ = sorted(content.blobs.items(), key=lambda one: -len(one[1]))
    async with mirrors(parts, one) as here:
        await here.upstream.push("broken/app", "v1", content)
        await here.mirror("broken")
        broken = 0

        def plan(asked: Asked, _count: int) -> Fault | None:
            nonlocal broken
            if str(layer) in asked.path and asked.header("authorization") and broken < 3:
                broken += 1
                return Fault(reply_after=1_000_000 * broken)
            return None

        here.upstream.proxy.plan = plan
        assert (await here.blob("broken/broken/app", layer)).content == data
        assert broken == 3
        # One that never answers is told, with the cause, and nothing is left behind.
        here.upstream.proxy.plan = lambda _asked, _count: Fault(reply_after=0)
        missing = await here.blob("broken/broken/app", compute(b"other"))
        assert (missing.status_code, "cannot be reached" in missing.text) == (503, True)
        assert (await here.manifest("broken/broken/app", "v1")).status_code == 503

        async def is_clean() -> bool:
            return not list((here.server.data / "arrivals").iterdir())

        await until(is_clean)


async def test_layers_that_a_client_has_already_are_fetched_in_the_end(parts: Parts, one: Moorage) -> None:
    content = image("rest", 40_000, 5_000)
    config = next(digest for digest, data in content.blobs.items() if data.startswith(b"{"))
    async with mirrors(parts, one) as here:
        await here.upstream.push("rest/app", "v1", content)
        await here.mirror("rest")
        assert (await here.manifest("rest/rest/app", "v1")).status_code == 200
        assert (await here.blob("rest/rest/app", config)).status_code == 200

        async def is_kept() -> bool:
            answer = await here.api("GET", "/projects/rest/repositories/rest%252Fapp/artifacts")
            return answer.status_code == 200 and len(answer.json()) == 1

        await until(is_kept)

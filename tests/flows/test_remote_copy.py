"""Artifacts are copied between registries: ours and Debian's docker-registry, in all directions, over bad networks."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
import pytest

from moorage.artifacts.local_registry import Local
from moorage.blobs.blob_integrity import OwnShelf
from moorage.errors import ManifestUnknown, ProjectUnknown, QuotaExceeded, RemoteRefused
from moorage.events import SYSTEM
from moorage.oci.digest import Digest, Hasher, compute
from moorage.oci.media_types import COSIGN_SIMPLE_SIGNING, EMPTY, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from moorage.oci.platforms import Platform
from moorage.remotes.artifact_copy import Copied, Options, Progress, Target, copy_artifact
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_client import Client, open_client
from moorage.remotes.registry_connection import Endpoint
from moorage.remotes.registry_reader import referrers_tag
from moorage.remotes.retry_policy import Patience
from moorage.settings import Secret, Settings
from moorage.storage.drivers import open_storage
from moorage.wiring import open_database
from tests import serving
from tests.fakes.flaky import Asked, Fault, flaky
from tests.parts import Parts
from tests.parts.docker_registry import DockerRegistry
from tests.serving import Moorage

QUICK = Patience(tries=4, first_seconds=0.01)
MIB = 1 << 20


def noise(seed: str, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


# -- content ----


@dataclass
class Content:
    """An index with three platforms and what builders, signers and scanners hang on it. By digest: bytes and type."""

    root: Digest
    manifests: dict[Digest, tuple[bytes, str]]
    blobs: dict[Digest, bytes]
    tags: dict[str, Digest]
    children: dict[str, Digest]
    referrers: dict[Digest, set[Digest]]


class Builder:
    """Makes content."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.content = Content(Digest("sha256:" + "0" * 64), {}, {}, {}, {}, {})

    def blob(self, data: bytes, media_type: str) -> dict[str, object]:
        self.content.blobs[compute(data)] = data
        return {"mediaType": media_type, "digest": str(compute(data)), "size": len(data)}

    def put(self, body: dict[str, object]) -> Digest:
        raw = json.dumps({"schemaVersion": 2, **body}).encode()
        digest = compute(raw)
        self.content.manifests[digest] = (raw, str(body["mediaType"]))
        return digest

    def describe(self, digest: Digest, **more: object) -> dict[str, object]:
        raw, media_type = self.content.manifests[digest]
        return {"mediaType": media_type, "digest": str(digest), "size": len(raw), **more}

    def image(self, os: str, architecture: str, size: int) -> Digest:
        config = self.blob(json.dumps({"os": os, "architecture": architecture}).encode(), OCI_CONFIG)
        layers = [self.blob(noise(f"{self.seed}{architecture}", size), OCI_LAYER), self.blob(b"shared", OCI_LAYER)]
        return self.put({"mediaType": OCI_MANIFEST, "config": config, "layers": layers})

    def referrer(self, subject: Digest, kind: str) -> Digest:
        made = self.put(
            {
                "mediaType": OCI_MANIFEST, "artifactType": f"application/vnd.example.{kind}",
                "config": self.blob(b"{}", EMPTY), "layers": [self.blob(f"{kind} {subject}".encode(), "text/plain")],
                "subject": self.describe(subject), "annotations": {"made.by": kind},
            }
        )  # fmt: skip
        self.content.referrers.setdefault(subject, set()).add(made)
        return made


def build(seed: str, size: int = 200_000) -> Content:
    builder = Builder(seed)
    content = builder.content
    entries = []
    for os, architecture in (("linux", "amd64"), ("linux", "arm64"), ("windows", "amd64")):
        child = builder.image(os, architecture + os, size)
        content.children[f"{os}/{architecture}"] = child
        entries.append(builder.describe(child, platform={"os": os, "architecture": architecture}))
        statement = builder.blob(f"built {child}".encode(), "application/vnd.in-toto+json")
        config = builder.blob(b"{}", OCI_CONFIG)
        said = builder.put({"mediaType": OCI_MANIFEST, "config": config, "layers": [statement]})
        content.children[f"{os}/{architecture} attestation"] = said
        notes = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": str(child)}
        unknown = {"os": "unknown", "architecture": "unknown"}
        entries.append(builder.describe(said, platform=unknown, annotations=notes))
    content.root = builder.put({"mediaType": OCI_INDEX, "manifests": entries})
    signature = builder.referrer(content.root, "signature")
    builder.referrer(signature, "countersignature")
    builder.referrer(content.children["linux/amd64"], "sbom")
    simple = builder.blob(b"signed " + str(content.root).encode(), COSIGN_SIMPLE_SIGNING)
    config = builder.blob(b'{"cosign":1}', OCI_CONFIG)
    old = builder.put({"mediaType": OCI_MANIFEST, "config": config, "layers": [simple]})
    content.tags = {"v1": content.root, f"sha256-{content.root.hex}.sig": old}
    return content


async def push(target: Target, repository: str, content: Content) -> None:
    """Push all of it, as a client does."""

    def reading(data: bytes) -> Callable[[int], AsyncIterator[bytes]]:
        async def read(start: int) -> AsyncIterator[bytes]:
            yield data[start:]

        return read

    for digest, data in content.blobs.items():
        await target.put_blob(repository, digest, len(data), reading(data))
    listed = False
    for digest, (raw, media_type) in content.manifests.items():
        if digest != content.root:
            listed |= await target.put_manifest(repository, str(digest), raw, media_type)
    for tag, digest in content.tags.items():
        await target.put_manifest(repository, tag, *content.manifests[digest])
    for subject, digests in content.referrers.items() if not listed else ():
        entries = [
            {"mediaType": OCI_MANIFEST, "digest": str(one), "size": len(content.manifests[one][0])} for one in digests
        ]
        raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
        await target.put_manifest(repository, referrers_tag(subject), raw, OCI_INDEX)


async def check(target: Target, repository: str, content: Content, *, but: frozenset[Digest] = frozenset()) -> None:
    """See that the target has all of it, byte for byte, but what was left out."""
    for digest, (raw, media_type) in content.manifests.items():
        if digest in but:
            with pytest.raises(ManifestUnknown):
                await target.get_manifest(repository, str(digest))
            continue
        found = await target.get_manifest(repository, str(digest))
        assert (found.raw, found.media_type) == (raw, media_type)
        for part in json.loads(raw).get("layers", []):
            data = content.blobs[Digest(part["digest"])]
            assert b"".join([piece async for piece in target.read_blob(repository, compute(data), len(data))]) == data
    for tag, digest in content.tags.items():
        assert await target.find_manifest(repository, tag) == digest
    for subject, wanted in content.referrers.items():
        if subject not in but:
            assert {one.digest for one in await target.list_referrers(repository, subject)} >= wanted


# -- registries ----


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    with serving.serve(tmp_path_factory.mktemp("here") / "data") as server:
        server.create_project("team")
        server.create_project("other")
        yield server


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    with serving.serve(tmp_path_factory.mktemp("there") / "data") as server:
        server.create_project("team")
        yield server


@contextlib.asynccontextmanager
async def ourselves(server: Moorage) -> AsyncIterator[Local]:
    """The content of a started server as one of its workers sees it."""
    settings = Settings(data=str(server.data))
    database, storage = open_database(settings), open_storage(settings)
    await storage.open()
    try:
        yield Local(OwnShelf(settings, database, storage), SYSTEM)
    finally:
        await storage.close()
        await database.close()


def away(server: Moorage | DockerRegistry, host: str = "") -> contextlib.AbstractAsyncContextManager[Client]:
    if isinstance(server, Moorage):
        name, password = server.admin.username, server.admin.password
    else:
        name, password = server.username, server.password
    endpoint = Endpoint(url=f"http://{host or server.host}", username=name, password=Secret(password))
    return open_client(Outgoing(), endpoint, patience=QUICK)


@pytest.fixture(params=["moorage", pytest.param("debian", marks=pytest.mark.part("docker_registry"))])
def other(request: pytest.FixtureRequest, parts: Parts, there: Moorage) -> Moorage | DockerRegistry:
    return there if request.param == "moorage" else parts.get("docker_registry", DockerRegistry)


# -- stories ----


@pytest.mark.parametrize("direction", ["pull", "push"])
@pytest.mark.parametrize("chunk", [0, 64 << 10], ids=["whole", "chunks"])
async def test_an_index_goes_along_with_all_that_hangs_on_it(
    here: Moorage, other: Moorage | DockerRegistry, direction: str, chunk: int
) -> None:
    content = build(f"{direction}{chunk}{type(other).__name__}")
    repository = f"team/{direction}-{chunk}-{type(other).__name__.lower()}"
    async with ourselves(here) as local, away(other) as remote:
        source, target = (remote, local) if direction == "pull" else (local, remote)
        origin, to = f"{repository}-origin", f"{repository}/copy"
        await push(source, origin, content)
        options = Options(chunk_bytes=chunk)
        first = await copy_artifact(source, origin, "v1", target, to, tags=["v1", "latest"], options=options)
        again = await copy_artifact(source, origin, "v1", target, to, tags=["v1", "latest"], options=options)

        await check(target, to, content)
        assert await target.find_manifest(to, "latest") == content.root
        assert (first.digest, first.changed, first.tags, first.missing_children) == (
            content.root, True, ("v1", "latest"), 0,
        )  # fmt: skip
        assert first.progress.done_bytes == first.progress.total_bytes > 600_000
        assert (again.changed, again.progress.sent_bytes, again.progress.manifests) == (False, 0, 0)
    here.check_log()


async def test_a_small_image_is_pushed_without_asking_for_what_it_sends(here: Moorage, there: Moorage) -> None:
    asked: list[Asked] = []

    def note(one: Asked, _count: int) -> Fault | None:
        asked.append(one)
        return None

    builder = Builder("few")
    content = builder.content
    content.root = builder.image("linux", "amd64", 1_000)
    content.tags["v1"] = content.root
    async with ourselves(here) as local, flaky(there.host, note) as proxy:
        await push(local, "team/few", content)
        async with away(there, proxy.url.partition("://")[2]) as remote:
            copied = await copy_artifact(local, "team/few", "v1", remote, "team/few-copy", tags=["v1"])
    async with away(there) as straight:
        await check(straight, "team/few-copy", content)

    assert (copied.changed, copied.tags, copied.progress.blobs) == (True, ("v1",), 3)
    looks = [one.path for one in asked if one.method == "HEAD"]
    assert set(looks) == {f"/v2/team/few-copy/manifests/{content.root}"}


async def test_a_network_that_fails_a_third_of_the_time_converges(
    here: Moorage, other: Moorage | DockerRegistry
) -> None:
    chance = random.Random(11)
    content = build(f"flaky{type(other).__name__}")

    def plan(_asked: Asked, _count: int) -> Fault | None:
        draw = chance.random()
        if draw < 0.1:
            return Fault(status=503, headers=("retry-after: 0",))
        if draw < 0.2:
            return Fault(body_after=1000)
        return Fault(reply_after=chance.randrange(100_000)) if draw < 0.3 else None

    patient = Patience(tries=15, first_seconds=0.001, longest_seconds=0.05)
    async with ourselves(here) as local, away(other) as straight, flaky(other.host, plan) as proxy:
        await push(straight, "team/flaky-origin", content)
        name, password = (
            (other.admin.username, other.admin.password)
            if isinstance(other, Moorage)
            else (other.username, other.password)
        )
        endpoint = Endpoint(url=proxy.url, username=name, password=Secret(password))
        async with open_client(Outgoing(), endpoint, patience=patient) as remote:
            await copy_artifact(remote, "team/flaky-origin", "v1", local, "team/flaky-in", tags=["v1"])
            await copy_artifact(local, "team/flaky-in", "v1", remote, "team/flaky-out", tags=["v1"])
        await check(local, "team/flaky-in", content)
        await check(straight, "team/flaky-out", content)
        assert proxy.failed > 10
    here.check_log()


async def test_what_is_there_is_mounted_or_left_alone(here: Moorage, there: Moorage) -> None:
    content = build("mounted")
    async with ourselves(here) as local, away(there) as remote:
        await push(local, "team/mounted", content)
        await copy_artifact(local, "team/mounted", "v1", remote, "team/first", tags=["v1"])
        second = await copy_artifact(
            local, "team/mounted", "v1", remote, "team/second", tags=["v1"], options=Options(mount_from="team/first")
        )
        third = await copy_artifact(remote, "team/first", "v1", local, "team/third", tags=["v1"])

        assert (second.progress.sent_bytes, second.progress.blobs) == (0, 0)
        assert (third.progress.sent_bytes, third.progress.blobs) == (0, 0)
        assert second.progress.mounted == third.progress.mounted > 5
        await check(remote, "team/second", content)
        await check(local, "team/third", content)
        # What another project holds is sent all the same: its bytes are not this project's to see.
        fourth = await copy_artifact(remote, "team/first", "v1", local, "other/fourth", tags=["v1"])
        assert (fourth.progress.mounted, fourth.progress.blobs) == (0, third.progress.mounted)


async def test_some_platforms_go_along_and_the_index_keeps_its_digest(here: Moorage, there: Moorage) -> None:
    content = build("platforms")

    def wanted(platform: Platform) -> bool:
        return platform.os == "linux"

    left_out = frozenset({content.children["windows/amd64"], content.children["windows/amd64 attestation"]})
    async with ourselves(here) as local, away(there) as remote:
        await push(remote, "team/platforms", content)
        copied = await copy_artifact(
            remote, "team/platforms", "v1", local, "team/linux", tags=["v1"], options=Options(platforms=wanted)
        )
        await check(local, "team/linux", content, but=left_out)
        again = await copy_artifact(
            remote, "team/platforms", "v1", local, "team/linux", tags=["v1"], options=Options(platforms=wanted)
        )
        assert (copied.digest, copied.missing_children, again.changed) == (content.root, 2, False)
        # Later somebody wants all of them: what was left out comes, and belongs to the index.
        await copy_artifact(remote, "team/platforms", "v1", local, "team/linux", tags=["v1"])
        await check(local, "team/linux", content)
    reply = here_api(here, "/api/v2.0/projects/team/repositories/linux/artifacts?page_size=100")
    listed = {one["digest"]: one for one in reply}
    assert str(content.root) in listed
    children = {one["child_digest"]: one["child_id"] for one in listed[str(content.root)]["references"]}
    assert set(children) == {str(digest) for digest in content.children.values()}
    assert all(children.values())
    assert not set(children) & set(listed)


def here_api(server: Moorage, path: str) -> list[dict[str, Any]]:
    found = httpx.get(server.url + path, auth=(server.admin.username, server.admin.password), timeout=60)
    assert found.status_code == 200, found.text
    body: list[dict[str, Any]] = found.json()
    return body


@pytest.mark.part("docker_registry")
async def test_a_part_of_an_index_is_pushed_where_that_is_taken(here: Moorage, there: Moorage, parts: Parts) -> None:
    content = build("sparse")
    debian = parts.get("docker_registry", DockerRegistry)
    async with ourselves(here) as local, away(there) as remote, away(debian) as other:
        await push(local, "team/whole", content)
        some = Options(platforms=lambda platform: platform.architecture == "arm64")
        others = [digest for name, digest in content.children.items() if not name.startswith("linux/arm64")]
        left_out = frozenset(others).union(*(content.referrers.get(digest, ()) for digest in others))
        # Ours, also over the network: what is left out is said to be.
        pushed = await copy_artifact(local, "team/whole", "v1", remote, "team/sparse", tags=["v1"], options=some)
        assert pushed.missing_children == 4
        await check(remote, "team/sparse", content, but=left_out)
        # A source that has a part gives that part.
        copied = await copy_artifact(remote, "team/sparse", "v1", local, "team/sparse", tags=["v1"])
        assert copied.missing_children == 4
        await check(local, "team/sparse", content, but=left_out)
        # Others refuse, and no tag is left behind.
        with pytest.raises(RemoteRefused, match="without all of its children"):
            await copy_artifact(local, "team/whole", "v1", other, "team/sparse", tags=["v1"], options=some)
        assert await other.find_manifest("team/sparse", "v1") is None


async def test_a_tag_that_leads_elsewhere_stays_unless_it_may_be_moved(here: Moorage, there: Moorage) -> None:
    one, two = build("tag1", 1000), build("tag2", 1000)
    async with ourselves(here) as local, away(there) as remote:
        await push(remote, "team/one", one)
        await push(remote, "team/two", two)
        await copy_artifact(remote, "team/one", "v1", local, "team/tags", tags=["v1"])
        kept = await copy_artifact(
            remote, "team/two", "v1", local, "team/tags", tags=["v1", "v2"], options=Options(override=False)
        )
        assert (kept.tags, kept.kept_tags) == (("v2",), ("v1",))
        assert await local.find_manifest("team/tags", "v1") == one.root
        three = build("tag3", 1000)
        await push(remote, "team/three", three)
        none = await copy_artifact(
            remote, "team/three", "v1", local, "team/tags", tags=["v1", "v2"], options=Options(override=False)
        )
        assert (none.changed, none.tags, none.kept_tags) == (False, (), ("v1", "v2"))
        assert await local.find_manifest("team/tags", str(three.root)) is None  # nobody would see it
        await copy_artifact(remote, "team/two", "v1", local, "team/tags", tags=["v1"])
        assert await local.find_manifest("team/tags", "v1") == two.root
        untagged = await copy_artifact(remote, "team/one", str(one.root), local, "team/untagged")
        assert untagged.tags == ()
        assert await local.find_manifest("team/untagged", str(one.root)) == one.root


class Stopped(Exception):
    """Somebody pressed stop."""


async def test_a_stop_ends_a_copy_and_leaves_no_tag(here: Moorage, there: Moorage) -> None:
    content = build("stopped", 2 * MIB)

    async def watch(progress: Progress) -> None:
        if progress.done_bytes > MIB:
            raise Stopped

    async with ourselves(here) as local, away(there) as remote:
        await push(remote, "team/stopped", content)
        with pytest.raises(Stopped):
            await copy_artifact(remote, "team/stopped", "v1", local, "team/stopped", tags=["v1"], watch=watch)
        assert await local.find_manifest("team/stopped", "v1") is None
        assert await local.find_manifest("team/stopped", str(content.root)) is None
        after = await copy_artifact(remote, "team/stopped", "v1", local, "team/stopped", tags=["v1"])
        await check(local, "team/stopped", content)
        assert after.changed


async def test_a_limit_of_speed_holds(here: Moorage, there: Moorage, monkeypatch: pytest.MonkeyPatch) -> None:
    content = build("speed")
    waits: list[float] = []
    asleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asleep(0)

    async with ourselves(here) as local, away(there) as remote:
        await push(remote, "team/speed", content)
        monkeypatch.setattr("moorage.remotes.artifact_copy.asyncio.sleep", sleep)
        copied: Copied = await copy_artifact(
            remote, "team/speed", "v1", local, "team/speed", tags=["v1"], options=Options(bytes_per_second=100_000)
        )
        assert copied.progress.sent_bytes > 600_000
        assert max(waits) > 4
        # From a disk a layer comes in pieces of a MiB: they are sent bit by bit, and seen to be.
        sent: list[int] = []

        async def watch(progress: Progress) -> None:
            sent.append(progress.sent_bytes)

        layer, read = large("paced", 2 * MIB)
        await local.put_blob("team/speed", layer, 2 * MIB, read)
        child = json.loads((await local.get_manifest("team/speed", str(content.children["linux/amd64"]))).raw)
        child["layers"] = [{"mediaType": OCI_LAYER, "digest": str(layer), "size": 2 * MIB}]
        raw = json.dumps(child).encode()
        await local.put_manifest("team/speed", "paced", raw, OCI_MANIFEST)
        await copy_artifact(
            local, "team/speed", "paced", remote, "team/paced", tags=["paced"],
            options=Options(bytes_per_second=100_000), watch=watch,
        )  # fmt: skip
    assert sent[-1] >= 2 * MIB
    assert max(later - sooner for sooner, later in pairwise(sent)) <= 25_000


def make_tiny(server: Moorage) -> None:
    """A project with room for little."""
    server.create_project("tiny")
    admin = (server.admin.username, server.admin.password)
    project = httpx.get(server.url + "/api/v2.0/projects/tiny", auth=admin, timeout=60).json()["project_id"]
    limit = httpx.put(
        f"{server.url}/api/v2.0/quotas/{project}", json={"hard": {"storage": 300_000}}, auth=admin, timeout=60
    )
    assert limit.status_code == 200


async def test_a_refusal_of_ours_is_the_cause(here: Moorage, there: Moorage) -> None:
    content = build("refused")
    make_tiny(here)
    async with ourselves(here) as local, away(there) as remote:
        await push(remote, "team/refused", content)
        with pytest.raises(QuotaExceeded):
            await copy_artifact(remote, "team/refused", "v1", local, "tiny/app", tags=["v1"])
        with pytest.raises(ProjectUnknown):
            await copy_artifact(remote, "team/refused", "v1", local, "nowhere/app", tags=["v1"])
        with pytest.raises(ManifestUnknown):
            await copy_artifact(remote, "team/refused", "nothing", local, "team/app", tags=["v1"])
        assert await local.find_manifest("tiny/app", "v1") is None


# -- a large layer ----

_BLOCK = noise("block", MIB - 16)


def large(kind: str, size: int) -> tuple[Digest, Callable[[int], AsyncIterator[bytes]]]:
    """A blob that is made as it is read: no two of its MiB are alike, and nobody holds it whole."""

    def piece(number: int) -> bytes:
        return number.to_bytes(8) + compute(kind.encode()).binary[1:9] + _BLOCK

    async def read(start: int) -> AsyncIterator[bytes]:
        for number in range(start // MIB, size // MIB):
            data = piece(number)
            yield data[start - number * MIB :] if number == start // MIB else data

    hasher = Hasher()
    for number in range(size // MIB):
        hasher.update(piece(number))
    return hasher.digest(), read


async def _send_large(other: Moorage | DockerRegistry, here: Moorage, size: int) -> None:
    """Copy an image with one large layer in and out through a proxy that fails 30 % of all requests somewhere."""
    chance = random.Random(size)
    kind = type(other).__name__.lower()

    def plan(_asked: Asked, _count: int) -> Fault | None:
        draw = chance.random()
        if draw < 0.1:
            return Fault(status=503, headers=("retry-after: 0",))
        if draw < 0.2:
            return Fault(body_after=chance.randrange(size))
        return Fault(reply_after=chance.randrange(size)) if draw < 0.3 else None

    digest, read = large(kind, size)
    raw = json.dumps(
        {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": EMPTY, "digest": str(compute(b"{}")), "size": 2},
            "layers": [{"mediaType": OCI_LAYER, "digest": str(digest), "size": size}],
        }
    ).encode()  # fmt: skip

    async def empty(_start: int) -> AsyncIterator[bytes]:
        yield b"{}"

    patient = Patience(tries=15, first_seconds=0.05, longest_seconds=1)
    account = other.admin if isinstance(other, Moorage) else other
    async with ourselves(here) as local, away(other) as straight, flaky(other.host, plan) as proxy:
        await straight.put_blob(f"team/large-{kind}", digest, size, read)
        await straight.put_blob(f"team/large-{kind}", compute(b"{}"), 2, empty)
        await straight.put_manifest(f"team/large-{kind}", "v1", raw, OCI_MANIFEST)
        endpoint = Endpoint(url=proxy.url, username=account.username, password=Secret(account.password))
        async with open_client(Outgoing(), endpoint, patience=patient) as remote:
            source, to, back = f"team/large-{kind}", f"team/large-{kind}-in", f"team/large-{kind}-out"
            came = await copy_artifact(remote, source, "v1", local, to, tags=["v1"])
            await copy_artifact(local, to, "v1", remote, back, tags=["v1"], options=Options(chunk_bytes=8 * MIB))
        assert came.progress.sent_bytes >= size
        assert proxy.failed > 0
        hasher = Hasher()
        async for data in straight.read_blob(back, digest, size):
            hasher.update(data)
        assert hasher.digest() == digest
        assert await straight.find_manifest(back, "v1") == compute(raw) == await local.find_manifest(to, "v1")


async def test_a_large_layer_survives_a_bad_network(here: Moorage, other: Moorage | DockerRegistry) -> None:
    await _send_large(other, here, 48 * MIB)
    here.check_log()


@pytest.mark.deep
async def test_a_layer_of_a_gigabyte_survives_a_bad_network(here: Moorage, other: Moorage | DockerRegistry) -> None:
    await _send_large(other, here, 1024 * MIB)
    here.check_log()

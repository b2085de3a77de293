"""The client of registries against real ones, Moorage and Debian's docker-registry, and a proxy that fails between."""

import hashlib
import json
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from moorage.errors import (
    BlobUnknown,
    ManifestUnknown,
    RemoteBusy,
    RemoteDenied,
    RemoteMisbehaved,
    RemoteRefused,
    RemoteUnavailable,
    RepositoryUnknown,
    TargetRefused,
)
from moorage.oci.digest import Digest, compute
from moorage.oci.media_types import EMPTY, OCI_INDEX, OCI_MANIFEST
from moorage.remotes.blob_upload import Read, send_blob
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_client import Client, open_client
from moorage.remotes.registry_connection import Endpoint
from moorage.remotes.registry_reader import referrers_tag
from moorage.remotes.retry_policy import Patience
from moorage.settings import Secret
from tests import serving
from tests.fakes.flaky import Asked, Fault, flaky
from tests.parts import Parts
from tests.parts.docker_registry import DockerRegistry
from tests.serving import Account

QUICK = Patience(tries=4, first_seconds=0.01)
MIB = 1 << 20


@dataclass(frozen=True)
class Peer:
    """A registry to talk to."""

    kind: str
    host: str
    account: Account

    def endpoint(self, host: str = "", **more: object) -> Endpoint:
        return Endpoint(
            url=f"http://{host or self.host}",
            **{"username": self.account.username, "password": Secret(self.account.password), **more},  # type: ignore[arg-type]
        )


@pytest.fixture(scope="module")
def moorage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with serving.serve(tmp_path_factory.mktemp("moorage") / "data") as server:
        server.create_project("team")
        server.create_project("other")
        yield Peer("moorage", server.host, server.admin)


@pytest.fixture
def debian(parts: Parts) -> Peer:
    part = parts.get("docker_registry", DockerRegistry)
    return Peer("debian", part.host, Account(part.username, part.password))


@pytest.fixture(params=["moorage", pytest.param("debian", marks=pytest.mark.part("docker_registry"))])
def peer(request: pytest.FixtureRequest) -> Peer:
    found: Peer = request.getfixturevalue(request.param)
    return found


def noise(seed: str, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def reading(data: bytes, asked: list[int] | None = None) -> Read:
    async def read(start: int) -> AsyncIterator[bytes]:
        if asked is not None:
            asked.append(start)
        for at in range(start, len(data), 50_000):
            yield data[at : at + 50_000]

    return read


async def send(client: Client, repository: str, data: bytes, **more: object) -> bool:
    return await send_blob(client, repository, compute(data), len(data), reading(data), **more)  # type: ignore[arg-type]


async def fetch(client: Client, repository: str, data: bytes, start: int = 0) -> bytes:
    return b"".join([piece async for piece in client.read_blob(repository, compute(data), len(data), start=start)])


def manifest_of(*layers: bytes, subject: bytes | None = None, kind: str = "application/vnd.example.thing") -> bytes:
    body: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": EMPTY, "digest": str(compute(b"{}")), "size": 2},
        "layers": [{"mediaType": "application/x", "digest": str(compute(one)), "size": len(one)} for one in layers],
    }
    if subject is not None:
        body["subject"] = {"mediaType": OCI_MANIFEST, "digest": str(compute(subject)), "size": len(subject)}
    return json.dumps(body).encode()


# -- what works ----


@pytest.mark.parametrize(
    ("size", "chunk"), [(0, 0), (1, 0), (2, 0), (70_000, 0), (3 * MIB, 0), (3 * MIB, MIB), (3 * MIB + 1, MIB)]
)
async def test_a_blob_comes_back_as_it_was_sent(peer: Peer, size: int, chunk: int) -> None:
    data = noise(f"{peer.kind}{size}{chunk}", size)
    here = f"team/sent-{size}-{chunk}"  # the same registry serves other files, and an empty blob is like any other

    async with open_client(Outgoing(), peer.endpoint(), patience=QUICK) as client:
        before = await client.find_blob(here, compute(data))
        mounted = await send(client, here, data, chunk_bytes=chunk)
        again = await client.find_blob(here, compute(data))

        assert (before, mounted, again) == (None, False, size)
        assert await fetch(client, here, data) == data
        assert await fetch(client, here, data, size // 2) == data[size // 2 :]


async def test_manifests_tags_and_repositories_are_listed_page_by_page(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moorage.remotes.registry_reader.PAGE", 3)
    layer = noise(peer.kind, 1000)
    raw = manifest_of(layer)
    names = [f"v{number}" for number in range(10)]

    async with open_client(Outgoing(), peer.endpoint(), patience=QUICK) as client:
        for repository in ("team/paged", "team/paged2", "team/paged3", "other/paged"):
            for blob in (b"{}", layer):
                await send(client, repository, blob)
            for name in names:
                assert await client.put_manifest(repository, name, raw, OCI_MANIFEST) is False

        found = await client.get_manifest("team/paged", "v3")
        assert (found.digest, found.media_type, found.raw) == (compute(raw), OCI_MANIFEST, raw)
        assert await client.find_manifest("team/paged", "v3") == compute(raw)
        assert await client.find_manifest("team/paged", "nothing") is None
        assert sorted([name async for name in client.list_tags("team/paged")]) == sorted(names)
        listed = [name async for name in client.list_repositories()]
        assert set(listed) >= {"team/paged", "team/paged2", "team/paged3", "other/paged"}
        assert await client.delete_manifest("other/paged", str(compute(raw))) is True
        assert await client.delete_manifest("other/paged", str(compute(raw))) is False
        with pytest.raises(ManifestUnknown):
            await client.get_manifest("other/paged", str(compute(raw)))
        with pytest.raises(BlobUnknown):
            await fetch(client, "team/paged", b"nobody has this")
        with pytest.raises(RepositoryUnknown):
            [name async for name in client.list_tags("team/nowhere")]


async def test_a_blob_is_mounted_from_another_repository(peer: Peer) -> None:
    data = noise("mounted" + peer.kind, 100_000)

    async with open_client(Outgoing(), peer.endpoint(), patience=QUICK) as client:
        await send(client, "team/source", data)
        asked: list[int] = []
        mounted = await send_blob(
            client, "other/target", compute(data), len(data), reading(data, asked), mount_from="team/source"
        )

        assert (mounted, asked) == (True, [])
        assert await fetch(client, "other/target", data) == data


async def test_referrers_are_listed_or_found_under_their_tag(peer: Peer) -> None:
    image = manifest_of(noise("image", 10))
    signature = manifest_of(b"signed", subject=image, kind="application/vnd.example.signature")

    async with open_client(Outgoing(), peer.endpoint(), patience=QUICK) as client:
        for blob in (b"{}", noise("image", 10), b"signed"):
            await send(client, "team/signed", blob)
        await client.put_manifest("team/signed", "v1", image, OCI_MANIFEST)
        listed = await client.put_manifest("team/signed", str(compute(signature)), signature, OCI_MANIFEST)
        if not listed:  # this registry has no such list: the client keeps the index
            entry = {
                "mediaType": OCI_MANIFEST, "digest": str(compute(signature)), "size": len(signature),
                "artifactType": "application/vnd.example.signature",
            }  # fmt: skip
            index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
            await client.put_manifest("team/signed", referrers_tag(compute(image)), index, OCI_INDEX)
        found = await client.list_referrers("team/signed", compute(image))

        assert listed is (peer.kind == "moorage")
        assert [(one.digest, one.size_bytes, one.artifact_type) for one in found] == [
            (compute(signature), len(signature), "application/vnd.example.signature")
        ]
        assert await client.list_referrers("team/signed", compute(signature)) == []


async def test_wrong_credentials_are_refused_and_named_so(peer: Peer) -> None:
    wrong = peer.endpoint(password=Secret("Wr0ng-password"))

    async with open_client(Outgoing(), peer.endpoint(), patience=QUICK) as client:
        await client.ping()
    async with open_client(Outgoing(), wrong, patience=QUICK) as client:
        with pytest.raises(RemoteDenied) as refused:
            await client.ping()
    assert "Wr0ng-password" not in str(refused.value) + repr(wrong)


async def test_a_token_is_asked_for_once_for_many_requests(moorage: Peer) -> None:
    async with flaky(moorage.host) as proxy, open_client(Outgoing(), moorage.endpoint(proxy.host)) as client:
        for _ in range(10):
            await client.find_manifest("team/app", "v1")

    assert proxy.count("GET", "/service/token") == 1
    assert proxy.count("HEAD") == 11  # the first one was answered with the challenge


# -- what breaks ----


async def test_a_broken_download_goes_on_where_it_broke(peer: Peer) -> None:
    data = noise("broken" + peer.kind, 2 * MIB)

    def plan(asked: Asked, _count: int) -> Fault | None:
        return Fault(reply_after=300_000) if asked.method == "GET" and "/blobs/" in asked.path else None

    async with flaky(peer.host, plan) as proxy:
        async with open_client(Outgoing(), peer.endpoint(), patience=QUICK) as client:
            await send(client, "team/broken", data)
        async with open_client(Outgoing(), peer.endpoint(proxy.host), patience=QUICK) as client:
            got = await fetch(client, "team/broken", data)

    starts = [one.header("range") for one in proxy.asked if one.method == "GET" and "/blobs/" in one.path]
    assert got == data
    assert len(starts) >= 7
    assert all(one.startswith("bytes=") for one in starts[2:])


async def test_a_broken_upload_goes_on_where_the_registry_stands(peer: Peer) -> None:
    data = noise("upload" + peer.kind, 4 * MIB)
    broken: list[int] = []

    def plan(asked: Asked, _count: int) -> Fault | None:
        if asked.method == "PATCH" and len(broken) < 2:
            broken.append(1)
            return Fault(body_after=1_500_000, settled=True)
        return None

    asked: list[int] = []
    async with (
        flaky(peer.host, plan) as proxy,
        open_client(Outgoing(), peer.endpoint(proxy.host), patience=Patience(tries=4, first_seconds=0.3)) as client,
    ):
        await send_blob(client, "team/upload", compute(data), len(data), reading(data, asked))
        assert await fetch(client, "team/upload", data) == data

    assert len(broken) == 2
    first, second, third = asked
    assert first == 0
    if peer.kind == "moorage":
        assert second == 1_500_000, "what came before the break is there"
        assert third == 3_000_000
    else:
        assert 0 <= second <= third


@pytest.mark.parametrize("chunk", [0, MIB])
async def test_a_network_that_fails_every_third_request_is_lived_with(peer: Peer, chunk: int) -> None:
    chance = random.Random(7)
    data = noise(f"third{peer.kind}{chunk}", 5 * MIB)

    def plan(_asked: Asked, _count: int) -> Fault | None:
        draw = chance.random()
        if draw < 0.1:
            return Fault(status=503, headers=("retry-after: 0",))
        if draw < 0.2:
            return Fault(body_after=0)
        return Fault(reply_after=0) if draw < 0.3 else None

    patient = Patience(tries=20, first_seconds=0.001, longest_seconds=0.1)
    async with (
        flaky(peer.host, plan) as proxy,
        open_client(Outgoing(), peer.endpoint(proxy.host), patience=patient) as client,
    ):
        await send(client, "team/third", data, chunk_bytes=chunk)
        await send(client, "team/third", b"{}")
        raw = manifest_of(data)
        await client.put_manifest("team/third", "v1", raw, OCI_MANIFEST)
        assert await fetch(client, "team/third", data) == data
        assert (await client.get_manifest("team/third", "v1")).raw == raw

    assert proxy.failed >= 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_registry_is_left_alone_for_as_long_as_it_says(
    moorage: Peer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.extend([seconds] if seconds else [])

    monkeypatch.setattr("moorage.remotes.retry_policy.asyncio.sleep", sleep)

    def twice(_asked: Asked, count: int) -> Fault | None:
        return Fault(status=status, headers=("retry-after: 7",)) if count < 2 else None

    def always(_asked: Asked, _count: int) -> Fault | None:
        return Fault(status=status, headers=("retry-after: 86400",))

    async with flaky(moorage.host, twice) as proxy:
        endpoint = moorage.endpoint(proxy.host)
        async with open_client(Outgoing(), endpoint, patience=QUICK) as client:
            assert await client.find_manifest("team/app", "nothing") is None
            proxy.plan, before = always, len(proxy.asked)
            with pytest.raises(RemoteBusy if status == 429 else RemoteUnavailable) as busy:
                await client.find_manifest("team/app", "nothing")

    assert slept == [7, 7]
    assert len(proxy.asked) - before == 1
    assert busy.value.headers["Retry-After"] == "86400"


@pytest.mark.parametrize("status", [429, 503])
async def test_a_registry_that_is_busy_between_two_parts_of_a_blob_is_waited_for(
    moorage: Peer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.extend([seconds] if seconds else [])

    faults = iter([Fault(reply_after=300_000), Fault(status=status, headers=("retry-after: 7",)), None])
    data = noise(f"busy{status}", MIB)
    async with flaky(moorage.host) as proxy:
        async with open_client(Outgoing(), moorage.endpoint()) as client:
            await send(client, "team/busy", data)
        async with open_client(Outgoing(), moorage.endpoint(proxy.host), patience=QUICK) as client:
            assert await client.find_blob("team/busy", compute(data)) == len(data)
            proxy.plan = lambda _asked, _count: next(faults)
            monkeypatch.setattr("moorage.remotes.retry_policy.asyncio.sleep", sleep)
            assert await fetch(client, "team/busy", data) == data

    assert slept[1:] == [7]


async def test_a_lie_about_a_digest_is_noticed(moorage: Peer) -> None:
    data = noise("lie", 100_000)
    other = noise("lie2", 100_000)

    async with open_client(Outgoing(), moorage.endpoint(), patience=QUICK) as client:
        with pytest.raises(RemoteRefused):
            await send_blob(client, "team/lie", compute(data), len(data), reading(other))
        assert await client.find_blob("team/lie", compute(data)) is None
        await send(client, "team/lie", data)
        with pytest.raises(RemoteMisbehaved):
            [piece async for piece in client.read_blob("team/lie", compute(data), len(data) - 1)]
        for name in ("../x", "team/../x", "team/a?b", "Team/x", "team//x", ""):
            with pytest.raises(RemoteRefused):
                await client.find_manifest(name, "v1")


def test_the_digest_of_the_tests_is_the_usual_one(tmp_path: Path) -> None:
    assert str(compute(b"{}")) == "sha256:" + hashlib.sha256(b"{}").hexdigest()
    assert Digest(str(compute(b"{}"))).hex
    with pytest.raises(TargetRefused):
        Outgoing().session("project", ca_pem=str(tmp_path))

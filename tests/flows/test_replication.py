"""Replication between started servers: ours, and Debian's docker-registry, in both directions, over bad networks."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from moorage.artifacts import local_registry as own
from moorage.errors import RemoteUnavailable
from moorage.oci.digest import Digest, Hasher, compute
from moorage.oci.media_types import EMPTY, OCI_LAYER, OCI_MANIFEST
from moorage.remotes.artifact_copy import Target
from moorage.remotes.blob_upload import CHUNK_BYTES, JOURNAL_BYTES
from tests import serving
from tests.fakes.flaky import Asked, Fault, flaky
from tests.flows.test_background import ask, list_processes
from tests.flows.test_remote_copy import MIB, away, build, check, large, ourselves, push
from tests.parts import Parts
from tests.parts.base import wait_until
from tests.parts.docker_registry import DockerRegistry
from tests.serving import Moorage

Other = Moorage | DockerRegistry
RUNS = "/replication/executions"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    with serving.serve(tmp_path_factory.mktemp("here") / "data", settings={"log.access": False}) as server:
        server.create_project("team")
        yield server


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    with serving.serve(tmp_path_factory.mktemp("there") / "data", settings={"log.access": False}) as server:
        server.create_project("team")
        yield server


@pytest.fixture(params=["moorage", pytest.param("debian", marks=pytest.mark.part("docker_registry"))])
def other(request: pytest.FixtureRequest, parts: Parts, there: Moorage) -> Other:
    return there if request.param == "moorage" else parts.get("docker_registry", DockerRegistry)


async def tell(server: Moorage, method: str, path: str, body: object = None) -> Any:
    """A request of the administrator's that has to work, beside what else goes on here."""
    return await asyncio.to_thread(ask, server, method, path, body)


_registries: dict[tuple[int, str], int] = {}


async def register(here: Moorage, other: Other, url: str = "") -> int:
    """An endpoint's id."""
    url = url or f"http://{other.host}"
    key = (here.port, url)
    if key not in _registries:
        name, password = (
            (other.admin.username, other.admin.password)
            if isinstance(other, Moorage)
            else (other.username, other.password)
        )
        credential = {"type": "basic", "access_key": name, "access_secret": password}
        kind = "harbor" if isinstance(other, Moorage) else "docker-registry"
        sent = {"name": url.rpartition("/")[2], "type": kind, "url": url, "credential": credential}
        _registries[key] = int(await tell(here, "POST", "/registries", sent))
    return _registries[key]


async def make(here: Moorage, registry: int, direction: str, name: str, **more: Any) -> int:
    """A policy that takes one repository of `team`, or all that `name` matches, to `copy/NAME`."""
    side = "dest_registry" if direction == "push" else "src_registry"
    sent = {
        "name": f"{direction}-{name}-{registry}-{time.monotonic_ns()}", side: {"id": registry}, "override": True,
        "filters": [{"type": "name", "value": f"team/{name}"}, *more.pop("filters", ())],
        "dest_namespace": "copy", "dest_namespace_replace_count": 1, **more,
    }  # fmt: skip
    return int(await tell(here, "POST", "/replication/policies", sent))


async def begin(here: Moorage, policy: int) -> int:
    """Start a run; its id."""
    return int(await tell(here, "POST", RUNS, {"policy_id": policy}))


async def ended(here: Moorage, run: int, seconds: float = 200) -> dict[str, Any]:
    """A run, once it has ended, with its tasks."""
    async with asyncio.timeout(seconds):
        found: dict[str, Any] = {"status": "InProgress"}
        while found["status"] == "InProgress":
            await asyncio.sleep(0.05)
            found = await tell(here, "GET", f"{RUNS}/{run}")
    found["tasks"] = await tell(here, "GET", f"{RUNS}/{run}/tasks?page_size=100")
    return found


@pytest.mark.parametrize("direction", ["pull", "push"])
async def test_an_index_arrives_with_all_that_hangs_on_it(here: Moorage, other: Other, direction: str) -> None:
    name = f"{direction}-{type(other).__name__.lower()}"
    content = build(name)
    async with ourselves(here) as local, away(other) as remote:
        source, target = (remote, local) if direction == "pull" else (local, remote)
        await push(source, f"team/{name}", content)
        policy = await make(here, await register(here, other), direction, name)

        first = await ended(here, await begin(here, policy))
        again = await ended(here, await begin(here, policy))

        await check(target, f"copy/{name}", content)
    assert (first["status"], first["total"], first["succeed"]) == ("Succeed", 1, 1), first
    assert first["tasks"][0]["src_resource"] == f"team/{name}:v1"
    assert first["done_bytes"] == first["total_bytes"] > 600_000
    assert (again["status"], again["tasks"][0]["message"]) == ("Succeed", "It was there already."), again
    here.check_log()


@pytest.mark.parametrize(
    ("other", "direction"),
    [
        ("moorage", "push"),
        pytest.param("debian", "pull", marks=pytest.mark.part("docker_registry")),
        pytest.param("moorage", "pull", marks=pytest.mark.deep),
        pytest.param("debian", "push", marks=[pytest.mark.deep, pytest.mark.part("docker_registry")]),
    ],
    indirect=["other"],
)
async def test_a_network_that_fails_a_third_of_the_time_converges(here: Moorage, other: Other, direction: str) -> None:
    chance = random.Random(7)
    name = f"flaky-{direction}-{type(other).__name__.lower()}"
    content = build(name)

    def plan(_asked: Asked, _count: int) -> Fault | None:
        draw = chance.random()
        if draw < 0.1:
            return Fault(status=503, headers=("retry-after: 0",))
        if draw < 0.2:
            return Fault(body_after=1000)
        return Fault(reply_after=chance.randrange(100_000)) if draw < 0.3 else None

    async with ourselves(here) as local, away(other) as remote, flaky(other.host) as proxy:
        source, target = (remote, local) if direction == "pull" else (local, remote)
        await push(source, f"team/{name}", content)
        policy = await make(here, await register(here, other, proxy.url), direction, name, copy_by_chunk=True)
        proxy.plan = plan

        run = await ended(here, await begin(here, policy), seconds=300)

        await check(target, f"copy/{name}", content)
        assert proxy.failed > 10
    assert (run["status"], run["total"], run["failed"]) == ("Succeed", 1, 0), run
    here.check_log()


async def test_only_some_platforms_go_along(here: Moorage, there: Moorage) -> None:
    content = build("some-platforms")
    left_out = frozenset({content.children["windows/amd64"], content.children["windows/amd64 attestation"]})
    filters = [{"type": "platform", "value": ["linux/*"]}]
    async with ourselves(here) as local, away(there) as remote:
        await push(local, "team/platforms", content)
        policy = await make(here, await register(here, there), "push", "platforms", filters=filters)

        run = await ended(here, await begin(here, policy))

        assert run["status"] == "Succeed", run
        await check(remote, "copy/platforms", content, but=left_out)


async def all_ended(here: Moorage, policy: int, count: int) -> list[dict[str, Any]]:
    """The runs of a policy, once they are so many and have ended."""
    async with asyncio.timeout(200):
        while True:
            runs: list[dict[str, Any]] = await tell(here, "GET", f"{RUNS}?policy_id={policy}&page_size=100")
            if len(runs) == count and all(one["status"] != "InProgress" for one in runs):
                return runs
            await asyncio.sleep(0.1)


async def sign(target: Target, repository: str, subject: Digest) -> Digest:
    """Push something that refers to a manifest, whose config is there; its digest."""
    raw = json.dumps(
        {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.example.late",
            "config": {"mediaType": EMPTY, "digest": str(compute(b"{}")), "size": 2}, "layers": [],
            "subject": {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 1},
        }
    ).encode()  # fmt: skip
    await target.put_manifest(repository, str(compute(raw)), raw, OCI_MANIFEST)
    return compute(raw)


async def test_what_is_pushed_arrives_by_itself_and_so_does_its_signature(here: Moorage, there: Moorage) -> None:
    content = build("events", 10_000)
    trigger = {"type": "event_based"}
    filters = [{"type": "tag", "value": "v*"}]
    async with ourselves(here) as local, away(there) as remote:
        registry = await register(here, there)
        policy = await make(here, registry, "push", "events", trigger=trigger, filters=filters, enabled=True)
        await push(local, "team/events", content)
        first = await all_ended(here, policy, 1)
        await check(remote, "copy/events", content)
        signature = await sign(local, "team/events", content.root)
        both = await all_ended(here, policy, 2)

        assert signature in {one.digest for one in await remote.list_referrers("copy/events", content.root)}
    assert ([one["total"] for one in first], {one["status"] for one in both}) == ([1], {"Succeed"}), both
    await tell(here, "DELETE", f"/replication/policies/{policy}")


async def test_a_killed_worker_leaves_its_work_to_another_one_that_goes_on(here: Moorage, there: Moorage) -> None:
    size = JOURNAL_BYTES + MIB
    async with ourselves(here) as local, away(there) as remote, flaky(there.host) as proxy:
        digest, layer = await push_large(local, "team/killed", size)
        policy = await make(here, await register(here, there, proxy.url), "push", "killed", speed=3_500)
        run = await begin(here, policy)

        def is_on_its_way() -> bool:
            return bool(ask(here, "GET", f"{RUNS}/{run}")["done_bytes"] > 2 * MIB)

        await asyncio.to_thread(wait_until, is_on_its_way, what="the copy to be on its way", seconds=120)
        for process in list_processes(here)[1:]:
            os.kill(process, signal.SIGKILL)
        found = await ended(here, run)

        assert await remote.find_manifest("copy/killed", "v1") == digest
        assert await remote.find_blob("copy/killed", layer) == size
    assert (found["status"], found["total"], found["succeed"]) == ("Succeed", 1, 1), found
    assert found["done_bytes"] == found["total_bytes"] == size + 2, found
    assert found["tasks"][0]["attempts"] > 1
    log = await asyncio.to_thread(read_log, here, run, found["tasks"][0]["id"])
    assert log.count(str(digest)) == 1, "its end is told once"
    first, *others = [one.header("content-range") for one in proxy.asked if one.method == "PATCH"]
    assert first == ""
    assert others, "no blob was on its way"
    assert all(int(one.partition("-")[0] or 0) > MIB for one in others), "it was begun anew"
    here.check_log()


class Notes:
    """A journal that one test keeps."""

    def __init__(self) -> None:
        self.places: dict[Digest, str] = {}

    def find(self, digest: Digest) -> str:
        return self.places.get(digest, "")

    async def note(self, digest: Digest, place: str) -> None:
        self.places[digest] = place


@pytest.mark.parametrize("lies", [False, True], ids=["honest", "lying"])
async def test_what_was_received_of_a_large_blob_is_gone_on_with(
    here: Moorage, monkeypatch: pytest.MonkeyPatch, *, lies: bool
) -> None:
    monkeypatch.setattr(own, "_STEP_SECONDS", 0)
    size, notes, starts = JOURNAL_BYTES + MIB, Notes(), list[int]()
    layer, read = large(f"steps {lies}", size)

    async def breaking(start: int) -> AsyncIterator[bytes]:
        starts.append(start)
        at = start
        async for piece in read(start):
            at += len(piece)
            if at > 9 * MIB and len(starts) == 1:
                raise RemoteUnavailable
            yield bytes(len(piece)) if lies and len(starts) == 1 else piece

    async with ourselves(here) as local:
        with pytest.raises(RemoteUnavailable):
            await local.put_blob("team/steps", layer, size, breaking, journal=notes)
        await local.put_blob("team/steps", layer, size, breaking, journal=notes)

        assert await local.find_blob("team/steps", layer) == size
    assert starts == [0, 9 * MIB, *([0] if lies else [])]
    assert count_uploads(here, "team/steps") == 0


def read_log(server: Moorage, run: int, task: int) -> str:
    auth = (server.admin.username, server.admin.password)
    return httpx.get(f"{server.url}/api/v2.0{RUNS}/{run}/tasks/{task}/log", auth=auth, timeout=60).text


async def test_what_another_repository_got_before_is_mounted(here: Moorage, other: Other) -> None:
    content = build(f"mounted{type(other).__name__}", 100_000)
    first, second = (f"mount-{number}-{type(other).__name__.lower()}" for number in (1, 2))
    async with ourselves(here) as local, away(other) as remote:
        registry = await register(here, other)
        await push(local, f"team/{first}", content)
        await push(local, f"team/{second}", content)
        before = await ended(here, await begin(here, await make(here, registry, "push", first)))
        run = await ended(here, await begin(here, await make(here, registry, "push", second)))
        assert (before["status"], run["status"]) == ("Succeed", "Succeed"), run
        log = await asyncio.to_thread(read_log, here, run["id"], run["tasks"][0]["id"])
        await check(remote, f"copy/{second}", content)
    assert " 0 blobs sent (0 bytes)" in log, log
    here.check_log()


def count_uploads(server: Moorage, repository: str) -> int:
    """The open uploads to a repository."""
    with contextlib.closing(sqlite3.connect(server.data / "moorage.db")) as db:
        find = "SELECT count(*) FROM upload u JOIN repository r ON r.id = u.repository_id WHERE r.path = ?"
        return int(db.execute(find, (repository,)).fetchone()[0])


async def test_a_stop_takes_effect_long_before_the_end_and_the_next_run_goes_on(here: Moorage, there: Moorage) -> None:
    content = build("stopped", 2 * MIB)
    async with ourselves(here) as local, away(there) as remote:
        await push(local, "team/stopped", content)
        registry = await register(here, there)
        slow = await make(here, registry, "push", "stopped", speed=200)  # some 40 s
        run = await begin(here, slow)

        def is_on_its_way() -> bool:
            return bool(ask(here, "GET", f"{RUNS}/{run}")["done_bytes"] > 100_000)

        await asyncio.to_thread(wait_until, is_on_its_way, what="the copy to be on its way", seconds=120)
        await tell(here, "PUT", f"{RUNS}/{run}")
        found = await ended(here, run)
        assert (found["status"], found["stopped"]) == ("Stopped", 1)
        assert await remote.find_manifest("copy/stopped", "v1") is None
        assert count_uploads(there, "copy/stopped") == 0, "what an open upload reserves is given back"

        fast = await make(here, registry, "push", "stopped")
        assert (await ended(here, await begin(here, fast)))["status"] == "Succeed"
        await check(remote, "copy/stopped", content)
    here.check_log()


async def push_large(target: Target, repository: str, size: int) -> tuple[Digest, Digest]:
    """Push an image with one large layer; the digests of both."""
    layer, read = large(repository, size)

    async def empty(_start: int) -> AsyncIterator[bytes]:
        yield b"{}"

    await target.put_blob(repository, layer, size, read)
    await target.put_blob(repository, compute(b"{}"), 2, empty)
    body = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": EMPTY, "digest": str(compute(b"{}")), "size": 2},
        "layers": [{"mediaType": OCI_LAYER, "digest": str(layer), "size": size}],
    }  # fmt: skip
    raw = json.dumps(body).encode()
    await target.put_manifest(repository, "v1", raw, OCI_MANIFEST)
    return compute(raw), layer


async def _send_large(here: Moorage, other: Other, direction: str, size: int) -> None:
    name = f"large-{direction}-{type(other).__name__.lower()}"
    async with ourselves(here) as local, away(other) as remote:
        source, target = (remote, local) if direction == "pull" else (local, remote)
        digest, layer = await push_large(source, f"team/{name}", size)
        policy = await make(here, await register(here, other), direction, name)

        run = await ended(here, await begin(here, policy), seconds=300)

        assert (run["status"], run["done_bytes"], run["total_bytes"]) == ("Succeed", size + 2, size + 2), run
        assert await target.find_manifest(f"copy/{name}", "v1") == digest
        assert layer == await hash_of(target, f"copy/{name}", layer, size)
    here.check_log()


async def hash_of(target: Target, repository: str, blob: Digest, size: int) -> Digest:
    """The digest of what a blob really is."""
    hasher = Hasher()
    async for data in target.read_blob(repository, blob, size):
        hasher.update(data)
    return hasher.digest()


@pytest.mark.parametrize("direction", ["pull", "push"])
async def test_a_large_layer_goes_on_where_its_connection_broke(here: Moorage, other: Other, direction: str) -> None:
    kind, size = type(other).__name__.lower(), 2 * CHUNK_BYTES + 4 * MIB
    name = f"breaks-{direction}-{kind}"
    busy = Fault(status=503, headers=("retry-after: 0",))
    away_with_it = Fault(body_after=0, settled=True)
    half = Fault(body_after=3 * MIB, settled=True)
    faults: list[Fault | None] = [Fault(reply_after=3 * MIB), busy, Fault(reply_after=0), Fault(reply_after=5 * MIB)]
    if direction == "push":  # between two requests; in the middle of one; one that only its answer lacks
        faults = [None, away_with_it, busy, half] if kind == "moorage" else [None, away_with_it, busy, None, half]
    moves: list[Asked] = []

    def plan(asked: Asked, _count: int) -> Fault | None:
        is_chunk = asked.method == "PATCH" and int(asked.header("content-length")) > 2
        if not is_chunk and not (asked.method == "GET" and asked.path.endswith(str(layer))):
            return None
        moves.append(asked)
        return faults[len(moves) - 1] if len(moves) <= len(faults) else None

    async with ourselves(here) as local, away(other) as remote, flaky(other.host) as proxy:
        source, target = (remote, local) if direction == "pull" else (local, remote)
        digest, layer = await push_large(source, f"team/{name}", size)
        policy = await make(here, await register(here, other, proxy.url), direction, name, copy_by_chunk=True)
        proxy.plan = plan

        run = await ended(here, await begin(here, policy))

        assert await target.find_manifest(f"copy/{name}", "v1") == digest
        assert await target.find_blob(f"copy/{name}", layer) == size
        assert layer == await hash_of(target, f"copy/{name}", layer, size)
    assert (run["status"], run["done_bytes"], run["tasks"][0]["attempts"]) == ("Succeed", size + 2, 1), run
    starts = [one.header("range").removeprefix("bytes=").rstrip("-") for one in moves]
    if direction == "push":
        starts = [one.header("content-range").partition("-")[0] for one in moves]
    at = [int(one or 0) for one in starts]
    if direction == "pull":
        assert at[0] == 0 < at[1] <= 3 * MIB, at
        assert at[1:4] == [at[1]] * 3, "what did not come is asked for again, and no more"
        assert at[3] < at[4] <= at[3] + 5 * MIB, at
    elif kind == "moorage":
        assert at == [0, *[CHUNK_BYTES] * 3, CHUNK_BYTES + 3 * MIB, 2 * CHUNK_BYTES + 3 * MIB], at
    else:  # distribution 2.8 forgets an upload whose connection broke in the middle of a request
        assert at == [0, *[CHUNK_BYTES] * 3, 2 * CHUNK_BYTES, 0, CHUNK_BYTES, 2 * CHUNK_BYTES], at
    here.check_log()


@pytest.mark.parametrize("direction", ["pull", "push"])
async def test_a_large_layer_arrives(here: Moorage, there: Moorage, direction: str) -> None:
    await _send_large(here, there, direction, 64 * MIB)


@pytest.mark.deep
@pytest.mark.parametrize("direction", ["pull", "push"])
async def test_a_layer_of_a_gigabyte_arrives(here: Moorage, other: Other, direction: str) -> None:
    await _send_large(here, other, direction, 1024 * MIB)

"""Rows of replication: small images and one large layer, between two local servers, beside skopeo and curl."""

import json
import os
import shutil
import time
from functools import cache, partial
from pathlib import Path
from typing import Any

from moorage.oci.digest import compute
from moorage.oci.media_types import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from tests.bench.load import Target, Wrong, ask, push, run, start_upload
from tests.bench.machine import GIB
from tests.bench.report import Row, Side
from tests.bench.servers import Servers
from tests.bench.transfers import Payload
from tests.parts.base import find_program
from tests.serving import Moorage

REPOSITORIES, TAGS = 20, 10
LAYER_BYTES = 20_000
PULLED, PUSHED = "Moorage, pulls", "Moorage, pushes"
SKOPEO, CURL = "skopeo sync", "curl: pull, then push"
LARGE = "large/app"


def measure_small(servers: Servers, rounds: int) -> Row:
    """200 small images, to a server that is new each time."""
    place = _Place(servers.folder / "small")
    try:
        place.fill()
        return _measure_small(place, rounds)
    finally:
        place.stop()


def measure_large(servers: Servers, rounds: int) -> Row:
    """One layer of 1 GiB, to a server that is new each time."""
    place = _Place(servers.folder / "large")
    try:
        return _measure_large(place, rounds)
    finally:
        place.stop()


class _Place:
    """Two servers: the one that has everything, and one that has nothing yet.

    Attributes:
        payload: 1 GiB.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = self._make("source")
        self.origin = _target(self.source)
        self.payload: Payload | None = None
        self._target: Moorage | None = None

    def fill(self) -> None:
        """Push the small images."""
        for number in range(REPOSITORIES):
            for tag in range(TAGS):
                layers = [os.urandom(LAYER_BYTES), f"shared by the tags of {number}".encode() * 50]
                _push_image(self.origin, f"small/app{number}", f"v{tag}", layers)

    def _make(self, name: str) -> Moorage:
        moorage = Moorage(self.folder / name, workers=1, settings={"log.access": False})
        moorage.start()
        moorage.create_project("small")
        moorage.create_project("large")
        return moorage

    def renew(self) -> Moorage:
        """A new target, instead of the one before."""
        self.drop()
        self._target = self._make("target")
        return self._target

    def drop(self) -> None:
        """End the target, and free its disk."""
        if self._target is not None:
            self._target.kill()
            shutil.rmtree(self.folder / "target")
            self._target = None

    def stop(self) -> None:
        """End both."""
        self.drop()
        self.source.kill()


def _measure_small(place: _Place, rounds: int) -> Row:
    count = REPOSITORIES * TAGS
    row = Row(
        "replicate-small", f"copy {count} images of {LAYER_BYTES:,} bytes to a new server", "s",
        f"{REPOSITORIES} repositories with {TAGS} tags; a layer of its own for each, one for each repository",
    )  # fmt: skip
    command = "POST /api/v2.0/replication/executions, until it has ended"
    sides = [
        Side(label, command, partial(_replicate, place, pushes=pushes, pattern="small/**", count=count))
        for label, pushes in ((PULLED, False), (PUSHED, True))
    ]
    skopeo = find_program("skopeo", mend="apt-get install skopeo")
    words: list[str | Path] = [
        skopeo,
        "sync",
        "--src",
        "yaml",
        "--dest",
        "docker",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
    ]
    sides.append(Side(SKOPEO, [*words, "SOURCE.yaml", "TARGET/small"], partial(_sync, place, words)))
    row.alternate(sides, rounds)
    for label in (PULLED, PUSHED):
        row.ask(f"{label}, against skopeo sync", label, SKOPEO, 2)
    return row


def _measure_large(place: _Place, rounds: int) -> Row:
    place.payload = Payload(place.folder / "payload")
    digest = place.payload.digest
    authorization = place.origin.authorise(LARGE, "pull,push")
    push(place.origin, LARGE, authorization, place.payload.file, digest, chunked=False)
    _put_manifest(place.origin, LARGE, "v1", [(digest, GIB)])
    row = Row("replicate-large", "copy an image with one layer of 1 GiB to a new server", "s", f"1 GiB, {digest}")
    command = "POST /api/v2.0/replication/executions, until it has ended"
    sides = [
        Side(label, command, partial(_replicate, place, pushes=pushes, pattern="large/**", count=1))
        for label, pushes in ((PULLED, False), (PUSHED, True))
    ]
    sides.append(Side(CURL, "curl -o FILE SOURCE; curl -T FILE TARGET", partial(_pull_and_push, place)))
    row.alternate(sides, rounds)
    for label in (PULLED, PUSHED):
        row.ask(f"{label}: within 1.2 x of pull plus push", label, CURL, 0.83)
    return row


# -- one copy -----------------------------------------------------------------------------------------------


def _replicate(place: _Place, *, pushes: bool, pattern: str, count: int) -> float:
    target = place.renew()
    here, other = (place.source, target) if pushes else (target, place.source)
    credential = {"type": "basic", "access_key": other.admin.username, "access_secret": other.admin.password}
    name = f"{time.monotonic_ns()}"
    registry = _make(here, "/registries", {"name": name, "type": "harbor", "url": other.url, "credential": credential})
    policy = _make(
        here, "/replication/policies",
        {
            "name": name, ("dest_registry" if pushes else "src_registry"): {"id": registry}, "enabled": True,
            "filters": [{"type": "name", "value": pattern}],
        },
    )  # fmt: skip
    began = time.perf_counter()
    made = _make(here, "/replication/executions", {"policy_id": policy})
    while (found := _get(here, f"/replication/executions/{made}"))["status"] == "InProgress":
        time.sleep(0.05)
    took = time.perf_counter() - began
    if (found["status"], found["succeed"]) != ("Succeed", count):
        raise Wrong(f"the replication ended with {found}")
    return took


def _sync(place: _Place, words: list[str | Path]) -> float:
    target = place.renew()
    source, user = place.source, place.source.admin
    listed = {
        source.host: {
            "tls-verify": False,
            "credentials": {"username": user.username, "password": user.password},
            "images": {f"small/app{number}": [f"v{tag}" for tag in range(TAGS)] for number in range(REPOSITORIES)},
        }
    }
    file = place.folder / "sync.yaml"
    file.write_text(json.dumps(listed))
    to = target.admin
    began = time.perf_counter()
    run([*words, "--dest-creds", f"{to.username}:{to.password}", file, f"{target.host}/small"], seconds=300)
    took = time.perf_counter() - began
    found = _get(target, "/projects/small/repositories?page_size=100")
    if sum(int(one["artifact_count"]) for one in found) != REPOSITORIES * TAGS:
        raise Wrong(f"skopeo left {found}")
    return took


def _pull_and_push(place: _Place) -> float:
    assert place.payload is not None
    target = _target(place.renew())
    digest, file = place.payload.digest, place.folder / "between"
    began = time.perf_counter()
    authorization = place.origin.authorise(LARGE)
    url = f"http://{place.origin.host}/v2/{LARGE}/blobs/{digest}"
    run(["curl", "-sSf", "-o", file, "-H", f"Authorization: {authorization}", url])
    push(target, LARGE, target.authorise(LARGE, "pull,push"), file, digest, chunked=False)
    _put_manifest(target, LARGE, "v1", [(digest, GIB)])
    took = time.perf_counter() - began
    file.unlink()
    return took


# -- requests -----------------------------------------------------------------------------------------------


def _target(moorage: Moorage) -> Target:
    return Target(moorage.host, moorage.host, (moorage.admin.username, moorage.admin.password), moorage.pid)


def _make(moorage: Moorage, path: str, body: object) -> int:
    headers = {"Authorization": _target(moorage).basic, "Content-Type": "application/json"}
    status, answered, content = ask(moorage.host, "POST", f"/api/v2.0{path}", headers, json.dumps(body).encode())
    if status != 201:
        raise Wrong(f"POST {path}: {status} {content[:300]!r}")
    return int({name.lower(): value for name, value in answered.items()}["location"].rpartition("/")[2])


def _get(moorage: Moorage, path: str) -> Any:
    status, _, content = ask(moorage.host, "GET", f"/api/v2.0{path}", {"Authorization": _target(moorage).basic})
    if status != 200:
        raise Wrong(f"GET {path}: {status} {content[:300]!r}")
    return json.loads(content)


@cache
def _authorise(target: Target, repository: str) -> str:
    return target.authorise(repository, "pull,push")


def _push_image(target: Target, repository: str, tag: str, layers: list[bytes]) -> None:
    for data in layers:
        _put_blob(target, repository, data)
    _put_manifest(target, repository, tag, [(str(compute(data)), len(data)) for data in layers])


def _put_blob(target: Target, repository: str, data: bytes) -> None:
    authorization = _authorise(target, repository)
    path = f"{start_upload(target, repository, authorization)}digest={compute(data)}".partition(target.host)[2]
    headers = {"Authorization": authorization, "Content-Type": "application/octet-stream"}
    status, _, content = ask(target.host, "PUT", path, headers, data)
    if status != 201:
        raise Wrong(f"PUT of a blob: {status} {content[:300]!r}")


def _put_manifest(target: Target, repository: str, tag: str, layers: list[tuple[str, int]]) -> None:
    config = json.dumps({"architecture": "amd64", "os": "linux", "about": f"{repository}:{tag}"}).encode()
    _put_blob(target, repository, config)
    body = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": str(compute(config)), "size": len(config)},
        "layers": [{"mediaType": OCI_LAYER, "digest": digest, "size": size} for digest, size in layers],
    }  # fmt: skip
    headers = {"Authorization": _authorise(target, repository), "Content-Type": OCI_MANIFEST}
    path = f"/v2/{repository}/manifests/{tag}"
    status, _, content = ask(target.host, "PUT", path, headers, json.dumps(body).encode())
    if status != 201:
        raise Wrong(f"PUT of a manifest: {status} {content[:300]!r}")

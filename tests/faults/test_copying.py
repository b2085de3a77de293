"""A copy from another registry that is killed at any point: no tag without content, and the next try ends it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import serving
from tests.clients import images
from tests.serving import ROOT, Moorage

POINTS = ("upload.created", "append.synced", "commit.stored", "commit.live", "manifest.recorded", "mount.joining")
MORE = (
    "upload.started", "append.begun", "commit.verified", "commit.placed", "commit.joining", "manifest.linked",
    "manifest.done",
)  # fmt: skip
"""Those that a copy passes: it has none of its own, since it goes the ways of uploads and pushes."""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    with serving.serve(tmp_path_factory.mktemp("there") / "data") as server:
        server.create_project("team", public=True)
        yield server


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    with serving.serve(tmp_path_factory.mktemp("here") / "data") as server:
        server.create_project("team", public=True)
        yield server


def signed_in(server: Moorage, repository: str, actions: str) -> httpx.Client:
    """A client of one repository, with a token."""
    scope = {"service": "harbor-registry", "scope": f"repository:{repository}:{actions}"}
    auth = (server.admin.username, server.admin.password)
    token = httpx.get(f"{server.url}/service/token", params=scope, auth=auth, timeout=60).json()["token"]
    headers = {"accept": f"{images.IMAGE_INDEX}, {images.IMAGE_MANIFEST}", "authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{server.url}/v2/{repository}", headers=headers, timeout=60)


def push(server: Moorage, repository: str, seed: str) -> images.Index:
    """An index of two images."""
    built = [images.image(seed, architecture=one) for one in ("amd64", "arm64")]
    index = images.index(*built)
    with signed_in(server, repository, "pull,push") as client:
        for one in built:
            for blob in (one.config, *one.layers):
                answer = client.post("/blobs/uploads/", params={"digest": blob.digest}, content=blob.data)
                assert answer.status_code == 201, answer.text
            put(client, one.manifest, one.digest)
        put(client, index.manifest, "v1")
    return index


def put(client: httpx.Client, manifest: images.Blob, reference: str) -> None:
    answer = client.put(f"/manifests/{reference}", content=manifest.data, headers={"content-type": manifest.media_type})
    assert answer.status_code == 201, answer.text


def copy(there: Moorage, here: Moorage, repository: str, to: str, fault: str = "") -> int:
    """Run a worker that copies; its exit status."""
    told = {
        "data": str(here.data), "url": there.url, "username": there.admin.username, "password": there.admin.password,
        "repository": repository, "to": to, "fault": f"{fault}:kill" if fault else "",
    }  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.copying"], input=json.dumps(told), env=environment, cwd=ROOT, text=True,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


def pull(server: Moorage, repository: str) -> set[str]:
    """The digests of all that the tag leads to, each looked at; empty when there is no tag."""
    found: set[str] = set()
    with signed_in(server, repository, "pull") as client:
        waiting = ["v1"]
        while waiting:
            answer = client.get(f"/manifests/{waiting.pop()}")
            if answer.status_code == 404 and not found:
                return set()
            assert answer.status_code == 200, answer.text
            found.add(answer.headers["docker-content-digest"])
            body = answer.json()
            waiting += [one["digest"] for one in body.get("manifests", [])]
            for blob in [body["config"], *body["layers"]] if "layers" in body else []:
                assert len(client.get(f"/blobs/{blob['digest']}").content) == blob["size"]
                found.add(blob["digest"])
    return found


@pytest.mark.parametrize("point", [*POINTS, *(pytest.param(one, marks=pytest.mark.deep) for one in MORE)])
def test_a_copy_that_is_killed_leaves_no_tag_without_content_and_ends_with_the_next_try(
    there: Moorage, here: Moorage, tmp_path: Path, point: str
) -> None:
    seed = f"{point}-{tmp_path.name}"
    repository = f"team/{point}"
    push(there, repository, seed)
    whole = pull(there, repository)
    if point == "mount.joining":  # another repository of the project has the same blobs
        assert copy(there, here, repository, f"{repository}/first") == 0

    killed = copy(there, here, repository, repository, point)
    left = pull(here, repository)
    again = copy(there, here, repository, repository)

    assert killed == -signal.SIGKILL
    assert left in (set(), whole)
    assert again == 0
    assert pull(here, repository) == whole
    assert len(whole) > 6

"""A server whose blobs lie in an object store: pushes go on elsewhere, pulls go there or through us."""

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.parts.postgres import Postgres
from tests.parts.seaweedfs import ACCESS_KEY_ID, BUCKET, SeaweedFS
from tests.serving import Moorage, serve

pytestmark = [pytest.mark.part("seaweedfs"), pytest.mark.part("postgres")]

REPOSITORY = "/v2/library/stored"
CHUNK = 3_000_000


@pytest.fixture
def settings(seaweedfs: SeaweedFS) -> dict[str, object]:
    """Those of a server in a folder of its own of the bucket: each new bucket would take volumes of the small store."""
    return {
        "storage.kind": "s3",
        "storage.s3.bucket": BUCKET,
        "storage.s3.prefix": f"flow-{secrets.token_hex(8)}",
        "storage.s3.endpoint": seaweedfs.endpoint,
        "storage.s3.access_key": ACCESS_KEY_ID,
        "storage.s3.secret_key": seaweedfs.secret_key,
    }


@pytest.fixture
def moorage(tmp_path: Path, settings: dict[str, object], postgres_url: str) -> Iterator[Moorage]:
    """Two workers on PostgreSQL and the object store: nothing of an upload may be in a process."""
    with serve(tmp_path / "data", settings=settings, database_url=postgres_url, workers=2) as server:
        yield server


def client_of(server: Moorage) -> httpx.Client:
    """A client that signs in with Basic and takes a new connection for each request, so that any worker may answer."""
    limits = httpx.Limits(max_keepalive_connections=0)
    auth = (server.admin.username, server.admin.password)
    return httpx.Client(base_url=server.url, auth=auth, limits=limits, timeout=60)


def digest_of(content: bytes) -> str:
    """The sha256 digest of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def push_in_chunks(client: httpx.Client, content: bytes, *, size: int = CHUNK) -> str:
    """Push a blob in chunks with `Content-Range`; returns its digest."""
    location = client.post(f"{REPOSITORY}/blobs/uploads/").headers["location"]
    for start in range(0, len(content), size):
        chunk = content[start : start + size]
        headers = {"content-range": f"{start}-{start + len(chunk) - 1}"}
        answer = client.patch(location, content=chunk, headers=headers)
        assert answer.status_code == 202, answer.text
        location = answer.headers["location"]
    digest = digest_of(content)
    closed = client.put(location, params={"_state": len(content), "digest": digest})
    assert closed.status_code == 201, closed.text
    return digest


def test_a_chunked_upload_goes_on_in_any_worker_and_is_streamed_back(moorage: Moorage) -> None:
    content = secrets.token_bytes(3 * CHUNK + 17)

    with client_of(moorage) as client:
        digest = push_in_chunks(client, content)
        pulled = client.get(f"{REPOSITORY}/blobs/{digest}")
        part = client.get(f"{REPOSITORY}/blobs/{digest}", headers={"range": f"bytes={CHUNK - 2}-{CHUNK + 1}"})

    assert pulled.status_code == 200
    assert pulled.content == content
    assert part.status_code == 206
    assert part.content == content[CHUNK - 2 : CHUNK + 2]


def test_a_blob_in_one_piece_is_pulled_by_a_signed_url(moorage: Moorage, seaweedfs: SeaweedFS) -> None:
    content = secrets.token_bytes(1_000_000)
    digest = digest_of(content)

    with client_of(moorage) as client:
        location = client.post(f"{REPOSITORY}/blobs/uploads/").headers["location"]
        closed = client.put(location, params={"_state": 0, "digest": digest}, content=content)
        answer = client.get(f"{REPOSITORY}/blobs/{digest}")

    assert closed.status_code == 201
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(seaweedfs.endpoint)
    # Without our credentials: the signature in the URL is all that it takes.
    assert httpx.get(answer.headers["location"], timeout=60).content == content


def test_a_setting_streams_every_pull_through_us(
    tmp_path: Path, settings: dict[str, object], postgres_url: str
) -> None:
    content = secrets.token_bytes(700_000)
    settings["storage.redirect"] = False

    with serve(tmp_path / "data", settings=settings, database_url=postgres_url) as server, client_of(server) as client:
        digest = push_in_chunks(client, content, size=len(content))
        answer = client.get(f"{REPOSITORY}/blobs/{digest}")

    assert answer.status_code == 200
    assert answer.content == content


def test_an_upload_goes_on_after_a_kill_and_a_restart(moorage: Moorage) -> None:
    content = secrets.token_bytes(2 * CHUNK)
    with client_of(moorage) as client:
        location = client.post(f"{REPOSITORY}/blobs/uploads/").headers["location"]
        answer = client.patch(location, content=content[:CHUNK], headers={"content-range": f"0-{CHUNK - 1}"})
        assert answer.status_code == 202

    moorage.kill()
    moorage.start()

    with client_of(moorage) as client:
        status = client.get(answer.headers["location"])
        assert status.headers["range"] == f"0-{CHUNK - 1}"
        headers = {"content-range": f"{CHUNK}-{2 * CHUNK - 1}"}
        answer = client.patch(status.headers["location"], content=content[CHUNK:], headers=headers)
        assert answer.status_code == 202
        digest = digest_of(content)
        closed = client.put(answer.headers["location"], params={"_state": 2 * CHUNK, "digest": digest})
        assert closed.status_code == 201
        assert client.get(f"{REPOSITORY}/blobs/{digest}").content == content


def test_a_store_that_is_away_is_named_and_waited_for(
    tmp_path: Path, seaweedfs: SeaweedFS, settings: dict[str, object], postgres: Postgres, postgres_url: str
) -> None:
    del seaweedfs, postgres  # started by the fixtures; this server looks elsewhere
    settings["storage.s3.endpoint"] = "http://127.0.0.1:9"
    server = Moorage(tmp_path / "data", settings=settings, database_url=postgres_url)

    checked = server.run("check", check=False)

    assert checked.returncode != 0
    assert "storage" in checked.stdout
    assert "127.0.0.1:9" in checked.stdout + checked.stderr

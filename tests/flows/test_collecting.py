"""Collection while others push: each push ends well and pulls completely afterwards, and nothing else is left."""

import contextlib
import hashlib
import json
import os
import random
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from subprocess import run as command
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from moorage.events import SYSTEM
from moorage.oci.digest import Digest
from moorage.settings import Database, Settings
from moorage.wiring import open_database
from tests.bench.orphans import add_orphans, contents, write_orphans
from tests.clients import images
from tests.parts import Parts
from tests.parts.base import wait_until
from tests.parts.dockerd import Dockerd
from tests.parts.seaweedfs import ACCESS_KEY_ID, BUCKET, SeaweedFS
from tests.serving import Moorage, serve

REPOSITORY = "team/load"
ORPHANS, FEW, MANY = 600, 30, 100_000
PUSHERS, PUSHES = 2, 6
PAUSE_SECONDS = 0.3
"""Between two pushes, once there were so many: what is checked at the end does not grow with what collecting takes."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
CONFIG = b'{"architecture":"amd64","os":"linux"}'


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Load:
    """A server with orphans, and what is pushed to it meanwhile.

    Attributes:
        pushed: by tag: the digests of its blobs.
    """

    server: Moorage
    database_url: str
    pushed: dict[str, list[str]] = field(default_factory=dict)

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx.Client]:
        auth = (self.server.admin.username, self.server.admin.password)
        with httpx.Client(base_url=self.server.url, auth=auth, timeout=120) as client:
            yield client

    def push(self, client: httpx.Client, tag: str, layers: list[bytes]) -> None:
        """Push an image as clients do: ask for each blob, and send what is not there."""
        for content in (CONFIG, *layers):
            digest = digest_of(content)
            if client.head(f"/v2/{REPOSITORY}/blobs/{digest}").status_code == 200:
                continue
            opened = client.post(f"/v2/{REPOSITORY}/blobs/uploads/")
            assert opened.status_code == 202, opened.text
            sent = client.put(opened.headers["location"], params={"digest": digest}, content=content)
            assert sent.status_code == 201, sent.text
        described = [{"mediaType": LAYER, "digest": digest_of(one), "size": len(one)} for one in layers]
        config = {"mediaType": CONFIG_TYPE, "digest": digest_of(CONFIG), "size": len(CONFIG)}
        raw = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described}).encode()
        put = client.put(f"/v2/{REPOSITORY}/manifests/{tag}", content=raw, headers={"content-type": MANIFEST})
        assert put.status_code == 201, put.text
        self.pushed[tag] = [digest_of(CONFIG), *(digest_of(one) for one in layers)]

    def push_until(self, number: int, orphans: list[bytes], done: threading.Event) -> None:
        """Push at least `PUSHES` images, and go on until it is over: each with orphans that go at this moment."""
        chance = random.Random(number)
        count = 0
        with self.client() as client:
            while count < PUSHES or not done.is_set():
                layers = [*chance.sample(orphans, 3), secrets.token_bytes(2_000)]
                self.push(client, f"p{number}-{count}", layers)
                count += 1
                if count >= PUSHES:
                    done.wait(PAUSE_SECONDS)

    def collect(self) -> None:
        """Run it twice; between them the minutes are over in which a signed URL may show what is doomed."""
        with self.client() as client:
            for _ in range(2):
                body = {"schedule": {"type": "Manual"}, "parameters": {"workers": 2}}
                made = client.post("/api/v2.0/system/gc/schedule", json=body)
                assert made.status_code == 201, made.text
                wait_until(partial(_has_ended, client, made.headers["location"]), what="a run", seconds=600)
                self.execute("UPDATE blob SET changed_at = changed_at - {hour} WHERE state = 'doomed'")

    def execute(self, statement: str) -> list[Any]:
        """A statement of the test's own."""
        url = self.database_url.replace("postgresql://", "postgresql+psycopg://")
        file = f"sqlite:///{self.server.data / 'moorage.db'}"
        engine = create_engine(url) if url else create_engine(file, connect_args={"timeout": 60})
        hour = "interval '1 hour'" if url else "3600000000"
        with engine.begin() as db:
            found = db.execute(text(statement.replace("{hour}", hour)))
            rows = list(found) if found.returns_rows else []
        engine.dispose()
        return rows

    def check(self) -> None:
        """Everything that was pushed can be pulled, and nothing else is left."""
        with self.client() as client:
            for tag in self.pushed:
                assert client.get(f"/v2/{REPOSITORY}/manifests/{tag}").status_code == 200, tag
            for digest in sorted({digest for blobs in self.pushed.values() for digest in blobs}):
                pulled = client.get(f"/v2/{REPOSITORY}/blobs/{digest}", follow_redirects=True)
                assert pulled.status_code == 200, digest
                assert digest_of(pulled.content) == digest
        rows = self.execute("SELECT digest FROM blob WHERE state = 'live'")
        live = {str(Digest.from_binary(bytes(digest))) for (digest,) in rows}
        assert live >= {digest for blobs in self.pushed.values() for digest in blobs}
        unused = "SELECT count(*) FROM blob WHERE state = 'live' AND id NOT IN (SELECT blob_id FROM artifact_blob)"
        assert self.execute(unused) == [(0,)]
        assert self.execute("SELECT count(*) FROM blob WHERE state NOT IN ('live', 'gone')") == [(0,)]
        assert self.server.run("fsck").returncode == 0, "files and rows are not the same"


def _has_ended(client: httpx.Client, path: str) -> bool:
    status = client.get(path).json()["job_status"]
    assert status in {"Running", "Pending", "Success"}, status
    return bool(status == "Success")


def run(load: Load, orphans: list[bytes], *others: Callable[[threading.Event], None]) -> None:
    """Collect while they push, and once more when they are done."""
    done = threading.Event()
    with ThreadPoolExecutor(PUSHERS + len(others)) as pool:
        pushing = [pool.submit(load.push_until, number, orphans, done) for number in range(PUSHERS)]
        pushing += [pool.submit(other, done) for other in others]
        try:
            load.collect()
        finally:
            done.set()
        for one in pushing:
            one.result()
    load.collect()
    load.check()


def fill(load: Load, count: int) -> list[bytes]:
    """Orphans on the file system, in bulk; their contents."""
    with load.client() as client:
        load.push(client, "first", [secrets.token_bytes(1000)])
    database = open_database(Settings(data=str(load.server.data), database=Database(url=load.database_url)))
    database.run_here(SYSTEM, add_orphans, REPOSITORY, count)
    database.engine.dispose()
    write_orphans(load.server.data / "storage", count)
    return list(contents("orphan", 0, count))


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgres"))])
def test_collection_beside_pushes_keeps_what_they_use(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, *, deep: bool
) -> None:
    url = str(request.getfixturevalue("postgres_url")).replace("+psycopg", "") if kind == "postgresql" else ""
    with serve(tmp_path / "data", database_url=url) as server:
        server.create_project("team")
        load = Load(server, url)
        run(load, fill(load, MANY if deep else ORPHANS))


@pytest.mark.part("seaweedfs")
@pytest.mark.part("postgres")
def test_the_same_on_an_object_store(tmp_path: Path, seaweedfs: SeaweedFS, postgres_url: str) -> None:
    settings: Mapping[str, object] = {
        "storage.kind": "s3",
        "storage.s3.bucket": BUCKET,
        "storage.s3.prefix": f"collecting-{secrets.token_hex(8)}",
        "storage.s3.endpoint": seaweedfs.endpoint,
        "storage.s3.access_key": ACCESS_KEY_ID,
        "storage.s3.secret_key": seaweedfs.secret_key,
    }
    url = postgres_url.replace("+psycopg", "")
    with serve(tmp_path / "data", settings=settings, database_url=url) as server:
        server.create_project("team")
        load = Load(server, url)
        orphans = list(contents("orphan", 0, FEW))
        with load.client() as client:
            load.push(client, "first", [secrets.token_bytes(1000)])
            for content in orphans:
                opened = client.post(f"/v2/{REPOSITORY}/blobs/uploads/")
                sent = client.put(opened.headers["location"], params={"digest": digest_of(content)}, content=content)
                assert sent.status_code == 201, sent.text
        load.execute("UPDATE repository_blob SET lease_until = lease_until - 24 * {hour} WHERE lease_until IS NOT NULL")
        run(load, orphans)


@pytest.mark.deep
@pytest.mark.part("dockerd")
def test_docker_pushes_while_very_many_orphans_go(tmp_path: Path, parts: Parts) -> None:
    part = parts.get("dockerd", Dockerd)
    with serve(tmp_path / "data") as server:
        server.create_project("team")
        load = Load(server, "")
        orphans = fill(load, MANY)

        def docker(*words: str, given: str = "") -> None:
            environment = os.environ | {"DOCKER_HOST": part.host, "DOCKER_CONFIG": str(tmp_path / "docker")}
            command([part.program, *words], input=given, env=environment, text=True, check=True, timeout=120)

        def push(done: threading.Event) -> None:
            count = 0
            who = server.admin
            docker("login", "--username", who.username, "--password-stdin", server.host, given=who.password)
            while count < 3 or not done.is_set():
                name = f"{server.host}/team/docker:{count}"
                archive = images.write_docker_archive(tmp_path / "image.tar", {name: images.image(f"docker {count}")})
                docker("load", "--input", str(archive))
                docker("push", name)
                docker("image", "rm", name)
                count += 1
            for number in range(count):
                docker("pull", f"{server.host}/team/docker:{number}")

        run(load, orphans, push)

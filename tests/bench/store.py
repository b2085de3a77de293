"""Fill a Moorage's database with many artifacts, in seconds: rows are written in bulk, past the API.

What comes out is what pushes would have left: each artifact is held by its repository's links, these by the
project's charges, those by live blobs; every digest is that of its bytes. But of the layers one in ten has its
file and configs have none, so a store is for measuring lookups and is not to be collected or checked.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert

from moorage.access.policy import Role
from moorage.db.base import Base
from moorage.db.engine import Database
from moorage.db.seed import reserve_id
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.oci.digest import Digest
from moorage.oci.versions import order_key
from moorage.projects import service as projects
from moorage.quotas import service as quotas
from moorage.repositories.tables import (
    Artifact,
    ArtifactBlob,
    Blob,
    Manifest,
    ProjectBlob,
    Repository,
    RepositoryBlob,
    Tag,
    TagHistory,
)
from moorage.storage.keys import BLOBS
from moorage.users import service as users
from moorage.users.passwords import hash_password

PROJECT = "bench"
USERNAME = "bench"
PASSWORD = "B3nch-mark-only"

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

LAYERS_PER_REPOSITORY = 100
FILES_PER_REPOSITORY = 10
LAYERS = (2, 3, 4, 5, 6)
"""How many layers the artifacts have, in turn: manifests of 0.7 to 1.5 KB."""

_BATCH = 20_000


@dataclass(frozen=True)
class Shape:
    """How much a store holds.

    Attributes:
        repositories: each with the same number of artifacts.
        artifacts: over all repositories; each has a config of its own, a tag, and layers that its repository shares.
        tags: of the one repository `bench/tags`, all on one artifact; 0: there is none.
    """

    repositories: int = 100
    artifacts: int = 100_000
    tags: int = 10_000

    @property
    def each(self) -> int:
        """Artifacts of one repository."""
        return self.artifacts // self.repositories


def name_of(repository: int) -> str:
    """The path of a repository, counted from 0."""
    return f"{PROJECT}/team/image-{repository:05}"


def list_manifest_paths(shape: Shape) -> Iterator[str]:
    """Every `/v2/.../manifests/TAG` of a store."""
    for repository in range(shape.repositories):
        for number in range(shape.each):
            yield f"/v2/{name_of(repository)}/manifests/v1.{number}"


def list_blob_paths(shape: Shape) -> Iterator[str]:
    """Every `/v2/.../blobs/DIGEST` of a layer that has a file."""
    for repository in range(shape.repositories):
        for number in range(FILES_PER_REPOSITORY):
            yield f"/v2/{name_of(repository)}/blobs/{_digest(_layer(repository, number))}"


def write_files(folder: Path, shape: Shape) -> None:
    """Write the files of 10 layers of each repository.

    Args:
        folder: the folder of the file system driver.
    """
    for repository in range(shape.repositories):
        for number in range(FILES_PER_REPOSITORY):
            content = _layer(repository, number)
            place = folder / _key(_digest(content))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


async def fill(url: str, shape: Shape) -> int:
    """Add a project with all its content, and a user who may push to it, to a database that is up to date.

    Returns:
        the number of blobs.
    """
    database = Database(url)
    try:
        return database.run_here(SYSTEM, _fill, shape)
    finally:
        await database.close()


def _fill(work: Work, shape: Shape) -> int:
    user = users.create_user(work, USERNAME, password_hash=hash_password(PASSWORD))
    project = projects.create_project(work, PROJECT)
    projects.set_member(work, project.id, user, Role.MAINTAINER)
    rows = _Rows(work.db, project.id)
    for repository in range(shape.repositories):
        rows.add_repository(repository, shape.each)
    if shape.tags:
        rows.add_tags(shape.tags)
    rows.flush()
    quotas.charge(work, project.id, rows.charged)
    for table in ("repository", "artifact", "blob", "tag_history"):
        reserve_id(work.db, table, rows.last[table])
    return rows.last["blob"]


class _Rows:
    """The rows that wait to be written, and the ids given out.

    Attributes:
        last: the highest id of each table.
        charged: what the project holds, in bytes.
    """

    def __init__(self, db: Connection, project: int) -> None:
        self._db = db
        self._project = project
        self._now = datetime.now(UTC)
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self.last = dict.fromkeys(("repository", "artifact", "blob", "tag_history"), 0)
        self.charged = 0

    def add_repository(self, number: int, artifacts: int) -> None:
        """One repository with its layers, and artifacts with a tag each."""
        repository = self._add_repository_row(name_of(number), artifacts)
        layers = [
            (_digest(content), len(content), self._add_blob(repository, content))
            for content in (_layer(number, layer) for layer in range(LAYERS_PER_REPOSITORY))
        ]
        for artifact in range(artifacts):
            count = LAYERS[artifact % len(LAYERS)]
            chosen = [layers[(artifact * 7 + place * 11) % len(layers)] for place in range(count)]
            self._add_artifact(repository, number, artifact, chosen)

    def add_tags(self, tags: int) -> None:
        """The repository `bench/tags`: one artifact, many tags."""
        repository = self._add_repository_row(f"{PROJECT}/tags", 1)
        content = _layer(-1, 0)
        layer = (_digest(content), len(content), self._add_blob(repository, content))
        artifact, digest = self._add_artifact(repository, -1, 0, [layer])
        for number in range(1, tags):
            self._add_tag(repository, f"v1.{number}", artifact, digest)

    def flush(self) -> None:
        """Write what waits: what is referred to comes first."""
        order = (Repository, Blob, ProjectBlob, RepositoryBlob, Artifact, Manifest, ArtifactBlob, TagHistory, Tag)
        for kind in order:
            table = Base.metadata.tables[kind.__tablename__]
            rows = self._waiting.pop(table.name, None)
            if rows:
                _write(self._db, table, rows)

    def _add(self, table: str, row: dict[str, Any]) -> None:
        rows = self._waiting.setdefault(table, [])
        rows.append(row)
        if len(rows) >= _BATCH:
            self.flush()

    def _next(self, table: str) -> int:
        self.last[table] += 1
        return self.last[table]

    def _add_repository_row(self, path: str, artifacts: int) -> int:
        repository = self._next("repository")
        self._add(
            "repository",
            {
                "id": repository, "project_id": self._project, "path": path, "artifact_count": artifacts,
                "created_at": self._now, "updated_at": self._now,
            },
        )  # fmt: skip
        return repository

    def _add_blob(self, repository: int, content: bytes) -> int:
        blob, digest = self._next("blob"), _digest(content)
        self._add(
            "blob",
            {
                "id": blob, "digest": digest.binary, "size_bytes": len(content), "key": _key(digest), "state": "live",
                "live": True, "changed_at": self._now,
            },
        )  # fmt: skip
        self._add("project_blob", {"project_id": self._project, "blob_id": blob, "size_bytes": len(content)})
        self._add("repository_blob", {"repository_id": repository, "blob_id": blob, "project_id": self._project})
        self.charged += len(content)
        return blob

    def _add_artifact(
        self, repository: int, number: int, artifact: int, layers: Sequence[tuple[Digest, int, int]]
    ) -> tuple[int, bytes]:
        config = json.dumps({"architecture": "amd64", "os": "linux", "name": f"{number}/{artifact}"}).encode()
        raw = make_manifest(
            _digest(config), len(config), [(digest, size) for digest, size, _ in layers],
            {"org.opencontainers.image.revision": hashlib.sha1(config, usedforsecurity=False).hexdigest()},
        )  # fmt: skip
        digest = _digest(raw).binary
        row = self._next("artifact")
        blobs = [self._add_blob(repository, config), *(blob for _, _, blob in layers)]
        self._add(
            "artifact",
            {
                "id": row, "repository_id": repository, "digest": digest, "media_type": MANIFEST_TYPE,
                "config_media_type": CONFIG_TYPE, "config_digest": _digest(config).binary,
                "size_bytes": len(raw) + len(config) + sum(size for _, size, _ in layers), "manifest_bytes": len(raw),
                "tagged": True, "pushed_at": self._now,
            },
        )  # fmt: skip
        self._add("manifest", {"artifact_id": row, "bytes": raw})
        for blob in blobs:
            self._add("artifact_blob", {"repository_id": repository, "blob_id": blob, "artifact_id": row})
        self._add_tag(repository, f"v1.{artifact}", row, digest)
        self.charged += len(raw)
        return row, digest

    def _add_tag(self, repository: int, name: str, artifact: int, digest: bytes) -> None:
        history = self._next("tag_history")
        self._add(
            "tag_history",
            {"id": history, "repository_id": repository, "name": name, "digest": digest, "since": self._now},
        )
        self._add(
            "tag",
            {
                "repository_id": repository, "name": name, "artifact_id": artifact, "history_id": history,
                "pushed_at": self._now, "version": order_key(name),
            },
        )  # fmt: skip


def make_manifest(
    config: Digest, config_bytes: int, layers: Iterable[tuple[Digest, int]], annotations: Mapping[str, str]
) -> bytes:
    """An image manifest as clients write it."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": str(config), "size": config_bytes},
            "layers": [{"mediaType": LAYER_TYPE, "digest": str(digest), "size": size} for digest, size in layers],
            "annotations": dict(annotations),
        }
    ).encode()


def _write(db: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """One bulk insert; PostgreSQL takes COPY, which is four times as fast."""
    if db.dialect.name == "sqlite":
        db.execute(insert(table), rows)
        return
    columns = list(rows[0])
    cursor: Any = db.connection.cursor()  # psycopg's, behind SQLAlchemy's face of it
    names = ", ".join(f'"{column}"' for column in columns)
    with closing(cursor), cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([row[column] for column in columns])


def _layer(repository: int, number: int) -> bytes:
    """The bytes of a layer: 1 to 2 KB."""
    return hashlib.sha512(f"layer {repository}/{number}".encode()).digest() * (16 + number % 16)


def _digest(content: bytes) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def _key(digest: Digest) -> str:
    return f"{BLOBS}/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data"

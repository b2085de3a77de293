"""Blobs that nobody needs: pushed, never named by a manifest, their leases over. Rows in bulk and a file for each."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from moorage.db.seed import reserve_id
from moorage.db.unit_of_work import Work
from moorage.oci.digest import Digest
from moorage.quotas import service as quotas
from moorage.repositories.tables import Blob, ProjectBlob, Repository, RepositoryBlob
from moorage.storage.keys import BLOBS

_BATCH = 10_000
_REPEATS = 4


def add_orphans(work: Work, repository: str, count: int, *, name: str = "orphan") -> int:
    """Rows of `count` orphans in a repository, as pushes leave them that were never finished; their bytes.

    Args:
        repository: its path; it has to be there.
        name: other orphans have another one.
    """
    where = select(Repository.id, Repository.project_id).where(Repository.path == repository)
    link = work.db.execute(where).one()
    first = (work.db.scalar(select(func.max(Blob.id))) or 0) + 1
    now = datetime.now(UTC)
    size = 0
    for start in range(0, count, _BATCH):
        blobs, charges, links = [], [], []
        for number, content in enumerate(contents(name, start, min(count, start + _BATCH)), start=first + start):
            digest = hashlib.sha256(content)
            size += len(content)
            blobs.append({
                "id": number, "digest": Digest(f"sha256:{digest.hexdigest()}").binary, "size_bytes": len(content),
                "key": _key(digest.hexdigest()), "state": "live", "live": True, "changed_at": now,
            })  # fmt: skip
            charges.append({"project_id": link.project_id, "blob_id": number, "size_bytes": len(content)})
            links.append({
                "repository_id": link.id, "project_id": link.project_id, "blob_id": number,
                "lease_until": now - timedelta(hours=1),
            })  # fmt: skip
        work.db.execute(insert(Blob), blobs)
        work.db.execute(insert(ProjectBlob), charges)
        work.db.execute(insert(RepositoryBlob), links)
    quotas.charge(work, link.project_id, size)
    reserve_id(work.db, "blob", first + count - 1)
    return size


def write_orphans(storage: Path, count: int, *, name: str = "orphan") -> list[Path]:
    """Their files, in the folder of the file system driver."""
    files = []
    for content in contents(name, 0, count):
        place = storage / _key(hashlib.sha256(content).hexdigest())
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
        files.append(place)
    return files


def contents(name: str, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of orphans, by their numbers."""
    for number in range(start, stop):
        yield hashlib.sha512(f"{name} {number}".encode()).digest() * _REPEATS


def _key(digest: str) -> str:
    return f"{BLOBS}/sha256/{digest[:2]}/{digest}/data"

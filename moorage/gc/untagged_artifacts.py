"""Artifacts that no tag, no index and no subject holds: they go when an administrator asks the collector for it.

What was pushed, or lost its last tag, within a lease stays: a client may be about to give it a tag, or to name it in an
index. They do not wait in the trash; their bytes go with a run after the lease of what they used.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Float, bindparam, select

from moorage.artifacts.delete import delete_artifact
from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.oci.digest import Digest
from moorage.projects.tables import Project
from moorage.repositories.tables import Artifact, Repository, TagHistory

BATCH = 500

_AGO = select(db_now(bindparam("seconds", type_=Float)))
_FIND = (
    select(
        Artifact.id, Repository.project_id, Artifact.repository_id, Repository.path, Artifact.digest,
        Artifact.size_bytes,
    )
    .join(Repository, Repository.id == Artifact.repository_id)
    .join(Project, Project.id == Repository.project_id)
    .where(
        Artifact.id > bindparam("after"), Artifact.trash_id.is_(None), ~Artifact.tagged, ~Artifact.child,
        ~Artifact.accessory, Artifact.pushed_at < bindparam("before", type_=Artifact.pushed_at.type),
        Repository.trash_id.is_(None), Project.trash_id.is_(None),
    )
    .order_by(Artifact.id)
    .limit(BATCH)
)  # fmt: skip
_JUST_UNTAGGED = (
    select(TagHistory.repository_id, TagHistory.digest)
    .where(
        TagHistory.repository_id.in_(bindparam("repositories", expanding=True)),
        TagHistory.until >= bindparam("before", type_=TagHistory.until.type),
    )
    .distinct()
)


class Untagged(NamedTuple):
    """An artifact that nothing holds. `path` is the repository's whole name; `size_bytes` what it counts."""

    id: int
    project_id: int
    repository_id: int
    path: str
    digest: Digest
    size_bytes: int


def find_untagged(work: Work, lease_seconds: float, after: int = 0) -> tuple[list[Untagged], int | None]:
    """The next of them, in the order of their ids, and from which id to go on; None: there are no more."""
    before = work.db.execute(_AGO, {"seconds": -float(lease_seconds)}).scalar_one()
    rows: Sequence[Any] = work.db.execute(_FIND, {"after": after, "before": before}).all()
    if not rows:
        return [], None
    repositories = sorted({row.repository_id for row in rows})
    fresh = {
        (repository, bytes(digest))
        for repository, digest in work.db.execute(_JUST_UNTAGGED, {"repositories": repositories, "before": before})
    }
    found = [
        Untagged(
            row.id, row.project_id, row.repository_id, row.path, Digest.from_binary(bytes(row.digest)), row.size_bytes
        )
        for row in rows
        if (row.repository_id, bytes(row.digest)) not in fresh
    ]
    return found, rows[-1].id if len(rows) == BATCH else None


def delete_untagged(work: Work, one: Untagged) -> None:
    """Delete one, if nothing holds it now.

    Raises:
        ManifestUnknown, ManifestInUse, TagImmutable: it is gone, or something does.
    """
    delete_artifact(work, one.project_id, one.repository_id, one.path, one.digest, only_untagged=True, trash_days=0)

"""Classify each charged blob of a project: used by live artifacts, by trash only, or released.

The words are those of docs/develop/lossless.md, "What counts". Deletions, restores and purges call this under the
project's closed gate; a push looks only where the project `has_trash`, and locks the charges that it makes used.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Exists, bindparam, exists, func, select, update

from moorage.db.unit_of_work import Work
from moorage.projects.tables import Project
from moorage.quotas import service as quotas
from moorage.repositories.tables import Artifact, ArtifactBlob, ProjectBlob, Repository, RepositoryBlob

_IN = 500
"""How many ids a statement takes."""

_project: Any = bindparam("project")
_ids: Any = bindparam("ids", expanding=True)
_LINK = RepositoryBlob.__table__.alias("link")
_USE = ArtifactBlob.__table__.alias("other")
_USER = Artifact.__table__.alias("holder")
_HOME = Repository.__table__.alias("home")


def _uses() -> Any:  # noqa: ANN401 - a select
    """The uses of a charge's blob in its project, by its links: nothing else leads from a blob to them quickly."""
    return (
        select(_USE.c.artifact_id)
        .select_from(_LINK)
        .join(_USE, (_USE.c.repository_id == _LINK.c.repository_id) & (_USE.c.blob_id == _LINK.c.blob_id))
        .where(_LINK.c.project_id == ProjectBlob.project_id, _LINK.c.blob_id == ProjectBlob.blob_id)
    )


def _has_use() -> Exists:
    found: Exists = _uses().correlate(ProjectBlob.__table__).exists()
    return found


def _has_live_use() -> Exists:
    live = (
        _uses()
        .join(_USER, (_USER.c.id == _USE.c.artifact_id) & _USER.c.trash_id.is_(None))
        .join(_HOME, (_HOME.c.id == _LINK.c.repository_id) & _HOME.c.trash_id.is_(None))
    )
    found: Exists = live.correlate(ProjectBlob.__table__).exists()
    return found


_CHARGES = (
    select(ProjectBlob.blob_id, ProjectBlob.size_bytes, ProjectBlob.holding)
    .where(ProjectBlob.project_id == _project)
    .order_by(ProjectBlob.blob_id)
    .with_for_update(key_share=True)
)
_NOT_USED = _CHARGES.where(ProjectBlob.blob_id.in_(_ids), ProjectBlob.holding != "used")
_UNUSED = _CHARGES.where(ProjectBlob.blob_id.in_(_ids), ProjectBlob.holding != "released", ~_has_use())
_OF_ACT = select(Artifact.id).where(Artifact.trash_id == bindparam("trash"))
_OF_REPOSITORY = select(Artifact.id).where(
    Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None)
)
_BYTES = select(func.coalesce(func.sum(Artifact.manifest_bytes), 0))
_MANIFESTS = {
    True: _BYTES.where(Artifact.trash_id == bindparam("trash")),
    False: _BYTES.where(Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None)),
}
_SET = (
    update(ProjectBlob)
    .where(ProjectBlob.project_id == _project, ProjectBlob.blob_id.in_(_ids))
    .values(holding=bindparam("new_holding"))
)
_REPAY = (
    update(ProjectBlob)
    .where(
        ProjectBlob.project_id == _project, ProjectBlob.blob_id == bindparam("blob"), ProjectBlob.holding == "released"
    )
    .values(holding="used")
)  # fmt: skip
_FLAG = update(Project).where(Project.id == _project, ~Project.has_trash).values(has_trash=True)
_SETTLE = (
    update(Project)
    .where(Project.id == _project, Project.has_trash)
    .values(has_trash=exists().where(ProjectBlob.project_id == _project, ProjectBlob.holding != "used"))
)


class Used(NamedTuple):
    """Bytes that something live needs from now on: nobody paid for those `owed`; those `back` were counted as trash."""

    owed: int = 0
    back: int = 0


def to_trash(work: Work, project_id: int, *, trash_id: int | None = None, repository_id: int | None = None) -> None:
    """Count as trash what an act took: artifacts that carry its id, or all others of a repository that is in the trash.

    Their manifests, and the blobs that nothing live needs any more. Pushes into the project look from now on.
    """
    _move(work, project_id, "used", trash_id, repository_id)
    flag(work, project_id)


def from_trash(work: Work, project_id: int, *, trash_id: int | None = None, repository_id: int | None = None) -> None:
    """Count as used what an act gives back; called while its artifacts still carry its id."""
    _move(work, project_id, "trash", trash_id, repository_id)


def _move(work: Work, project_id: int, before: str, trash_id: int | None, repository_id: int | None) -> None:
    scope = _OF_ACT if repository_id is None else _OF_REPOSITORY
    values = {"project": project_id, "trash": trash_id, "repository": repository_id}
    needed = select(ArtifactBlob.blob_id).where(ArtifactBlob.artifact_id.in_(scope))
    query = _CHARGES.where(ProjectBlob.holding == before, ProjectBlob.blob_id.in_(needed))
    if before == "used":
        query = query.where(~_has_live_use())
    rows = work.db.execute(query, values).all()
    to = "trash" if before == "used" else "used"
    _set(work, project_id, [row.blob_id for row in rows], to)
    manifests = work.db.execute(_MANIFESTS[scope is _OF_ACT], values).scalar_one()
    moved = sum(row.size_bytes for row in rows) + int(manifests)
    quotas.count_trash(work, project_id, moved if before == "used" else -moved)


def use(work: Work, project_id: int, blobs: Sequence[int]) -> Used:
    """Note that something live needs these blobs. The caller counts what it returns, at the end of the transaction.

    The charges are locked before they are looked at: of two who use what was trash, one takes it off the trash's count.
    """
    rows = work.db.execute(_NOT_USED, {"project": project_id, "ids": list(blobs)}).all() if blobs else ()
    _set(work, project_id, [row.blob_id for row in rows], "used")
    return Used(
        sum(row.size_bytes for row in rows if row.holding == "released"),
        sum(row.size_bytes for row in rows if row.holding == "trash"),
    )


def repay(work: Work, project_id: int, blob_id: int, size_bytes: int) -> int:
    """Note that a blob that nobody pays for was pushed, mounted or copied; the bytes that are owed now, by one only."""
    return size_bytes if work.db.execute(_REPAY, {"project": project_id, "blob": blob_id}).rowcount else 0


def release(work: Work, project_id: int, blobs: Iterable[int]) -> tuple[int, int]:
    """Stop charging for what nothing uses: what the project gets back, and what of it was counted as trash."""
    rows = work.db.execute(_UNUSED, {"project": project_id, "ids": sorted(set(blobs))}).all()
    _set(work, project_id, [row.blob_id for row in rows], "released")
    return sum(row.size_bytes for row in rows), sum(row.size_bytes for row in rows if row.holding == "trash")


def flag(work: Work, project_id: int) -> None:
    """Pushes into the project look what holds their blobs from now on."""
    work.db.execute(_FLAG, {"project": project_id})


def settle(work: Work, project_id: int) -> None:
    """Pushes need not look any more when all that the project is charged for is used."""
    work.db.execute(_SETTLE, {"project": project_id})


def _set(work: Work, project_id: int, blobs: Sequence[int], holding: str) -> None:
    for start in range(0, len(blobs), _IN):
        values = {"project": project_id, "ids": list(blobs[start : start + _IN]), "new_holding": holding}
        work.db.execute(_SET, values)

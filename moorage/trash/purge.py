"""Purge trash whose retention has ended, or on request. docs/develop/lossless.md, "Purge".

The first transaction marks the act: from there no way leads back. Each of the others takes a small part, under the
project's closed gate, so that a run can be stopped or killed anywhere, and the next one goes on. Bytes are the
collector's: the links that artifacts needed get a fresh lease and are released.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Float, and_, bindparam, case, delete, exists, func, or_, select, tuple_, update

from moorage import failpoints
from moorage.blobs import charge_states
from moorage.blobs.upload_expiry import end_uploads
from moorage.db.base import db_now
from moorage.db.locks import close_gate
from moorage.db.unit_of_work import Work
from moorage.errors import TrashUnknown
from moorage.events import TrashPurged
from moorage.projects.tables import CveAllowlist, Project, Trash
from moorage.quotas import service as quotas
from moorage.repositories.tables import (
    Artifact,
    ArtifactBlob,
    ArtifactReference,
    Label,
    ProjectBlob,
    Repository,
    RepositoryBlob,
    Tag,
    TagHistory,
    Upload,
)

BATCH = 100
"""How many artifacts a transaction takes; with ten layers each it is some 50 ms of SQLite's only writer."""

State = Literal["more", "waits", "done"]
"""Of a purge: there is more to do; it waits for uploads or leases to end; the act is gone."""


class Due(NamedTuple):
    """An act whose time is over, or whose purge has begun. `purge_at` and `id` are the place in the order."""

    purge_at: datetime
    id: int


class Step(NamedTuple):
    """What a transaction did: how many artifacts went, and how it stands."""

    artifacts: int
    state: State


_trash: Any = bindparam("trash")
_repository: Any = bindparam("repository")
_project: Any = bindparam("project")
_limit: Any = bindparam("limit")
_ids: Any = bindparam("ids", expanding=True)
_pairs: Any = bindparam("pairs", expanding=True)
_AT = Trash.purge_at.type
_DUE = select(Trash.purge_at, Trash.id).order_by(Trash.purge_at, Trash.id).limit(_limit)
_NOW = select(db_now())
_OVER = Trash.purge_at <= bindparam("now", type_=_AT)
_AFTER = or_(
    Trash.purge_at > bindparam("at", type_=_AT),
    and_(Trash.purge_at == bindparam("at", type_=_AT), Trash.id > bindparam("after")),
)
_FIND = select(Trash.project_id).where(Trash.id == _trash)
_ACT = (
    select(
        Trash.id, Trash.project_id, Trash.repository_id, Trash.kind, Trash.label, Trash.purging,
        (Trash.purge_at <= db_now()).label("over"),
    )
    .where(Trash.id == _trash)
    .with_for_update()
)  # fmt: skip
# From here on it is over, whatever it was told; one that was over keeps its place in the order.
_SOONER = case((Trash.purge_at < db_now(), Trash.purge_at), else_=db_now())
_MARK = update(Trash).where(Trash.id == _trash).values(purging=True, purge_at=_SOONER)
_REPOSITORIES = select(Repository.id).where(Repository.project_id == _project).order_by(Repository.id).limit(1)
_NAMED = exists().where(ArtifactReference.child_id == Artifact.id)
# Later ids first: an index comes after its children, which can go as soon as it went.
_CANDIDATES = select(Artifact.id).where(~_NAMED).order_by(Artifact.id.desc()).limit(_limit)
_OF_ACT = _CANDIDATES.where(Artifact.trash_id == _trash)
_OF_REPOSITORY = _CANDIDATES.where(Artifact.repository_id == _repository)
_LOCK = (
    select(Artifact.id, Artifact.manifest_bytes, Artifact.trash_id, Repository.trash_id.label("home"))
    .join(Repository, Repository.id == Artifact.repository_id)
    .where(Artifact.id.in_(_ids))
    .order_by(Artifact.id)
    .with_for_update(of=Artifact)
)
_PARENT = Artifact.__table__.alias("parent")
_OTHER_ACT = (
    select(func.min(_PARENT.c.trash_id))
    .join(ArtifactReference, ArtifactReference.parent_id == _PARENT.c.id)
    .where(ArtifactReference.child_id == Artifact.id, _PARENT.c.trash_id != _trash)
    .correlate(Artifact.__table__)
    .scalar_subquery()
)
_HAND_OVER = update(Artifact).where(Artifact.trash_id == _trash, _OTHER_ACT.is_not(None)).values(trash_id=_OTHER_ACT)
_DROP_TAGS = delete(Tag).where(Tag.artifact_id.in_(_ids)).returning(Tag.history_id)
_DROP_HISTORY = delete(TagHistory).where(TagHistory.id.in_(_ids))
_USES = (
    select(ArtifactBlob.repository_id, ArtifactBlob.blob_id)
    .where(ArtifactBlob.artifact_id.in_(_ids))
    .distinct()
    .order_by(ArtifactBlob.repository_id, ArtifactBlob.blob_id)
)
_DROP_USES = delete(ArtifactBlob).where(ArtifactBlob.artifact_id.in_(_ids))
_LINK = tuple_(RepositoryBlob.repository_id, RepositoryBlob.blob_id)
_LOCK_LINKS = (
    select(RepositoryBlob.blob_id)
    .where(_LINK.in_(_pairs))
    .order_by(RepositoryBlob.repository_id, RepositoryBlob.blob_id)
    .with_for_update(key_share=True)
)
_LEASE = update(RepositoryBlob).where(_LINK.in_(_pairs)).values(lease_until=db_now(bindparam("seconds", type_=Float)))
_DROP_ARTIFACTS = delete(Artifact).where(Artifact.id.in_(_ids))
_LEFT = select(func.count()).where(Artifact.trash_id == _trash)
_LINKED = select(exists().where(RepositoryBlob.repository_id == _repository))
_UPLOADING = select(exists().where(Upload.repository_id == _repository))
_SOME_HISTORY = select(TagHistory.id).where(TagHistory.repository_id == _repository).limit(_limit)
_FORGET_TAGS = update(TagHistory).where(TagHistory.trash_id == _trash).values(trash_id=None)
_DROP_REPOSITORY = delete(Repository).where(Repository.id == _repository)
_DROP_ACTS_WITHIN = delete(Trash).where(Trash.repository_id == _repository, Trash.id != _trash)
_CHARGED = select(exists().where(ProjectBlob.project_id == _project))
_DROP_LABELS = delete(Label).where(Label.project_id == _project)
_DROP_ALLOWLIST = delete(CveAllowlist).where(CveAllowlist.project_id == _project)
_DROP_PROJECT = delete(Project).where(Project.id == _project)
_DROP_ACTS_OF = delete(Trash).where(Trash.project_id == _project, Trash.id != _trash)
_DROP_ACT = delete(Trash).where(Trash.id == _trash)


def find_due(work: Work, after: Due | None = None, limit: int = BATCH) -> list[Due]:
    """The next acts to purge, by the database's clock, what was over first."""
    values: dict[str, object] = {"now": work.db.execute(_NOW).scalar_one(), "limit": limit}
    query = _DUE.where(_OVER)
    if after is not None:
        query = query.where(_AFTER)
        values |= {"at": after.purge_at, "after": after.id}
    return [Due(*row) for row in work.db.execute(query, values)]


def start_purge(work: Work, trash_id: int, *, early: bool = False, again: bool = True) -> bool:
    """Mark an act: it cannot be restored any more. Safe to repeat; False when there is no such act, or it is not over.

    Args:
        early: also before its time is over.
        again: also where somebody has marked it already.
    """
    project_id = work.db.execute(_FIND, {"trash": trash_id}).scalar()
    if project_id is None:
        return False
    close_gate(work, project_id)
    act = work.db.execute(_ACT, {"trash": trash_id}).one_or_none()
    if act is None or (act.purging and not again) or not (early or act.over or act.purging):
        return False
    if not act.purging:
        work.db.execute(_MARK, {"trash": trash_id})
        work.emit(TrashPurged(act.project_id, act.kind, act.label, trash_id))
    failpoints.point("purge.marked")
    return True


def purge_now(work: Work, trash_id: int) -> None:
    """As `start_purge`, for somebody who knows of the act.

    Raises:
        TrashUnknown: it was restored or purged meanwhile.
    """
    if not start_purge(work, trash_id, early=True, again=False):
        raise TrashUnknown(id=trash_id)


def purge_some(work: Work, trash_id: int, *, lease_seconds: float, limit: int = BATCH) -> Step:
    """Take the next part of an act that `start_purge` marked; safe to repeat, also when it is gone.

    Args:
        lease_seconds: how long a link that is released still lives: who was told that a blob is there finds it.
    """
    project_id = work.db.execute(_FIND, {"trash": trash_id}).scalar()
    if project_id is None:
        return Step(0, "done")
    close_gate(work, project_id)
    act = work.db.execute(_ACT, {"trash": trash_id}).one_or_none()
    if act is None:
        return Step(0, "done")
    if not act.purging:
        return Step(0, "waits")
    purge = _Purge(work, act, lease_seconds, limit)
    step: Step = getattr(purge, f"take_{act.kind}")()
    failpoints.point("purge.taken")
    return step


class _Purge:
    """One transaction of a purge."""

    def __init__(self, work: Work, act: Any, lease_seconds: float, limit: int) -> None:  # noqa: ANN401 - a row
        self._work = work
        self._act = act
        self._values = {"trash": act.id, "project": act.project_id, "limit": limit}
        self._lease_seconds = lease_seconds

    def take_tag(self) -> Step:
        """A tag leaves nothing behind but its history, which stays."""
        charge_states.settle(self._work, self._act.project_id)
        self._work.db.execute(_FORGET_TAGS, self._values)
        self._work.db.execute(_DROP_ACT, self._values)
        return Step(0, "done")

    def take_artifact(self) -> Step:
        """Artifacts, parents before children. What an index of another act still names goes with that one."""
        db = self._work.db
        if taken := self._take(db.execute(_OF_ACT, self._values).scalars().all()):
            return Step(taken, "more")
        while db.execute(_HAND_OVER, self._values).rowcount:
            pass
        if db.execute(_LEFT, self._values).scalar_one():  # named by an index that is live: the invariants exclude it
            return Step(0, "waits")
        return self.take_tag()

    def take_repository(self) -> Step:
        """All that a repository holds, whatever act took it; the repository when nothing leads to it any more."""
        step = self._empty(self._act.repository_id)
        if step is not None:
            return step
        charge_states.settle(self._work, self._act.project_id)
        self._work.db.execute(_DROP_ACT, self._values)
        return Step(0, "done")

    def take_project(self) -> Step:
        """Its repositories one after the other, and then the project with all that was set in it."""
        db = self._work.db
        repository = db.execute(_REPOSITORIES, self._values).scalar()
        if repository is not None:
            return self._empty(repository) or Step(0, "more")
        if db.execute(_CHARGED, self._values).scalar():
            return Step(0, "waits")
        for drop in (_DROP_LABELS, _DROP_ALLOWLIST, _DROP_PROJECT, _DROP_ACTS_OF, _DROP_ACT):
            db.execute(drop, self._values)
        return Step(0, "done")

    def _empty(self, repository: int) -> Step | None:
        """The next part of a repository; None when it is gone."""
        db, values = self._work.db, {**self._values, "repository": repository}
        if taken := self._take(db.execute(_OF_REPOSITORY, values).scalars().all()):
            return Step(taken, "more")
        end_uploads(self._work, repository)
        if db.execute(_UPLOADING, values).scalar() or db.execute(_LINKED, values).scalar():
            return Step(0, "waits")
        if ids := db.execute(_SOME_HISTORY, {**values, "limit": values["limit"] * 10}).scalars().all():
            db.execute(_DROP_HISTORY, {"ids": ids})
            return Step(0, "more")
        db.execute(_DROP_REPOSITORY, values)
        db.execute(_DROP_ACTS_WITHIN, values)
        return None

    def _take(self, found: Sequence[int]) -> int:
        """Take these artifacts, which no index names any more."""
        if not found:
            return 0
        db, ids = self._work.db, {"ids": list(found)}
        rows = db.execute(_LOCK, ids).all()
        if history := db.execute(_DROP_TAGS, ids).scalars().all():
            db.execute(_DROP_HISTORY, {"ids": history})
        links = [tuple(row) for row in db.execute(_USES, ids)]
        db.execute(_DROP_USES, ids)
        if links:
            # Used elsewhere or not: a HEAD that found a link held promised it without writing a lease.
            db.execute(_LOCK_LINKS, {"pairs": links}).all()
            db.execute(_LEASE, {"pairs": links, "seconds": float(self._lease_seconds)})
        db.execute(_DROP_ARTIFACTS, ids)
        project = self._act.project_id
        freed, back = charge_states.release(self._work, project, (blob for _, blob in links))
        # What a project's act took is not counted as trash: nobody asks what a project in the trash holds.
        own = (None, self._act.id) if self._act.kind == "project" else (None,)
        back += sum(row.manifest_bytes for row in rows if row.trash_id is not None or row.home not in own)
        quotas.count_trash(self._work, project, -back)
        quotas.refund(self._work, project, freed + sum(row.manifest_bytes for row in rows))
        return len(rows)

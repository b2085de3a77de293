"""Delete tags, artifacts and repositories. What people delete waits in the trash and can be brought back.

The trash keeps links, blobs and quota (docs/develop/lossless.md, "Delete, trash, restore, purge").
"""

from typing import Any

from sqlalchemy import Float, bindparam, delete, exists, insert, select, update

from moorage import failpoints
from moorage.artifacts.immutable_rules import require_mutable
from moorage.artifacts.manifest_rows import close_history, lock_loser, untag
from moorage.artifacts.service import enter_repository, get_artifact, get_repository
from moorage.blobs import charge_states
from moorage.db.base import db_now
from moorage.db.locks import close_gate, lock_tag, pass_gate
from moorage.db.unit_of_work import Work
from moorage.errors import ManifestInUse, ManifestUnknown
from moorage.events import ArtifactDeleted, RepositoryDeleted, TagDeleted
from moorage.oci.digest import Digest
from moorage.projects.tables import Project, Trash
from moorage.quotas import limits
from moorage.repositories.creation import count_artifacts
from moorage.repositories.tables import Artifact, ArtifactReference, Repository, Tag

_TAG = (
    select(Tag.artifact_id, Tag.history_id, Artifact.digest)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .join(Repository, Repository.id == Tag.repository_id)
    .where(Tag.repository_id == bindparam("repository"), Tag.name == bindparam("tag"), Repository.trash_id.is_(None))
    .with_for_update(of=Tag)
)
_DELETE_TAG = delete(Tag).where(Tag.repository_id == bindparam("repository"), Tag.name == bindparam("tag"))
_TAGS_OF = (
    select(Tag.name, Tag.history_id)
    .where(Tag.artifact_id == bindparam("artifact"))
    .order_by(Tag.name)
    .with_for_update()
)
_TAGS_OF_DIGEST = (
    select(Tag.name)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .where(Artifact.repository_id == bindparam("repository"), Artifact.digest == bindparam("digest"))
    .order_by(Tag.name)
    .with_for_update(of=Tag)
)
_ARTIFACT = (
    select(Artifact.id, Artifact.digest, Artifact.tagged, Artifact.child, Artifact.accessory)
    .join(Repository, Repository.id == Artifact.repository_id)
    .where(
        Artifact.repository_id == bindparam("repository"), Artifact.digest == bindparam("digest"),
        Artifact.trash_id.is_(None), Repository.trash_id.is_(None),
    )
    .with_for_update(of=Artifact)
)  # fmt: skip
_LIVE_PARENT = (
    select(Artifact.digest)
    .join(ArtifactReference, ArtifactReference.parent_id == Artifact.id)
    .where(ArtifactReference.child_id == bindparam("artifact"), Artifact.trash_id.is_(None))
    .limit(1)
)
_PARENT = Artifact.__table__.alias("parent")
_IS_NAMED = exists(
    select(_PARENT.c.id)
    .join(ArtifactReference, ArtifactReference.parent_id == _PARENT.c.id)
    .where(ArtifactReference.child_id == Artifact.id, _PARENT.c.trash_id.is_(None))
    .correlate(Artifact)
)
"""Whether a live index names an artifact."""
_REFERRERS = (
    select(
        Artifact.id, Artifact.digest, Artifact.tagged, Artifact.child, Artifact.accessory,
        _IS_NAMED.label("named"),
    )
    .where(
        Artifact.repository_id == bindparam("repository"), Artifact.subject_digest == bindparam("digest"),
        Artifact.trash_id.is_(None),
    )
    .order_by(Artifact.id)
    .with_for_update(of=Artifact)
)  # fmt: skip
_LOCK_CHILDREN = (
    select(Artifact.id)
    .join(ArtifactReference, ArtifactReference.child_id == Artifact.id)
    .where(ArtifactReference.parent_id == bindparam("artifact"))
    .order_by(Artifact.id)
    .with_for_update(of=Artifact)
)
_LONELY_CHILDREN = (
    select(Artifact.id, Artifact.digest, Artifact.tagged, Artifact.child, Artifact.accessory)
    .join(ArtifactReference, ArtifactReference.child_id == Artifact.id)
    .where(
        ArtifactReference.parent_id == bindparam("artifact"), Artifact.trash_id.is_(None), ~Artifact.tagged,
        ~_IS_NAMED,
    )
    .distinct()
    .order_by(Artifact.id)
)  # fmt: skip
_CHILDREN_LEFT = (
    select(Artifact.id, Artifact.tagged, Artifact.accessory)
    .join(ArtifactReference, ArtifactReference.child_id == Artifact.id)
    .where(
        ArtifactReference.parent_id == bindparam("artifact"), Artifact.trash_id.is_(None), Artifact.child,
        ~_IS_NAMED,
    )
    .distinct()
)  # fmt: skip
_NO_CHILD = update(Artifact).where(Artifact.id == bindparam("artifact")).values(child=False)
_TO_TRASH = (
    update(Artifact).where(Artifact.id == bindparam("artifact")).values(trash_id=bindparam("trash"), tagged=False)
)
# By the clock that a purge asks: the database's.
_NEW_TRASH = insert(Trash).values(purge_at=db_now(bindparam("seconds", type_=Float))).returning(Trash.id)
_PROJECT = select(Project.trash_days, Project.immutable_rules).where(Project.id == bindparam("project"))
_REPOSITORY_TO_TRASH = (
    update(Repository)
    .where(Repository.id == bindparam("repository"))
    .values(trash_id=bindparam("trash"), updated_at=bindparam("now"))
)
_TAGS_IN = select(Tag.name).where(Tag.repository_id == bindparam("repository"))
_ONE_LESS = (
    update(Project).where(Project.id == bindparam("project")).values(repository_count=Project.repository_count - 1)
)


def delete_tag(work: Work, project_id: int, repository_id: int, path: str, tag: str) -> None:
    """Delete a tag; the artifact stays, and so does the tag's history.

    Raises:
        ManifestUnknown: there is no such tag.
        TagImmutable: a rule keeps it.
    """
    pass_gate(work, project_id)
    lock_tag(work, repository_id, tag)
    row = work.db.execute(_TAG, {"repository": repository_id, "tag": tag}).first()
    if row is None:
        raise ManifestUnknown(repository=path, reference=tag)
    trash, rules = _open_trash(work, project_id, repository_id, "tag", f"{path}:{tag}")
    if rules:
        require_mutable(work, project_id, path, [tag])
    lock_loser(work, row.artifact_id)
    work.db.execute(_DELETE_TAG, {"repository": repository_id, "tag": tag})
    close_history(work, row.history_id, "deleted", trash)
    count_artifacts(work, repository_id, -untag(work, row.artifact_id))
    limits.count_tags(work, project_id, -1)
    work.emit(TagDeleted(project_id, path, tag, str(Digest.from_binary(bytes(row.digest)))))
    failpoints.point("delete.recorded")


def delete_artifact(
    work: Work,
    project_id: int,
    repository_id: int,
    path: str,
    digest: Digest,
    *,
    only_untagged: bool = False,
    trash_days: int | None = None,
    reason: str = "",
) -> None:
    """Delete an artifact with its tags, its referrers, and the children that nothing else needs.

    A referrer that a live index names stays: the index needs it, and its subject may be absent.

    Args:
        only_untagged: only if no tag, no index and no subject holds it.
        trash_days: how long it can be restored; None: as long as the project says.
        reason: for whoever looks into the trash: a word such as `retention`; "": somebody asked for it.

    Raises:
        ManifestUnknown: it is not there, or something holds it that may not.
        ManifestInUse: an index of the repository names it.
        TagImmutable: a rule keeps a tag of it, or of something that would go with it.
    """
    close_gate(work, project_id)
    where = {"repository": repository_id, "digest": digest.binary}
    work.db.execute(_TAGS_OF_DIGEST, where).all()  # tags before artifacts: a push that moves one locks in this order
    row = work.db.execute(_ARTIFACT, where).first()
    if row is None or (only_untagged and (row.tagged or row.child or row.accessory)):
        raise ManifestUnknown(repository=path, reference=str(digest))
    parent = work.db.execute(_LIVE_PARENT, {"artifact": row.id}).scalar()
    if parent is not None:
        raise ManifestInUse(index=str(Digest.from_binary(bytes(parent))), digest=str(digest))
    trash, rules = _open_trash(
        work, project_id, repository_id, "artifact", f"{path}@{digest}", keep_days=trash_days, reason=reason
    )
    tags: list[str] = []
    left = 0
    waiting: list[Any] = [row]
    needed: list[Any] = []
    seen: set[int] = set()
    while waiting or (waiting := _find_free(work, needed)):
        item = waiting.pop()
        if item.id in seen:
            continue
        seen.add(item.id)
        # Lock first, then look: another index that names them may be about to be committed.
        work.db.execute(_LOCK_CHILDREN, {"artifact": item.id}).all()
        left += _move_to_trash(work, repository_id, item, trash, tags)
        left -= _let_children_go(work, item.id)
        waiting += work.db.execute(_LONELY_CHILDREN, {"artifact": item.id}).all()
        for referrer in work.db.execute(_REFERRERS, {"repository": repository_id, "digest": item.digest}).all():
            (needed if referrer.named else waiting).append(referrer)
    if rules:
        require_mutable(work, project_id, path, tags)
    charge_states.to_trash(work, project_id, trash_id=trash)
    count_artifacts(work, repository_id, -left)
    limits.count_tags(work, project_id, -len(tags))
    work.emit(ArtifactDeleted(project_id, path, str(digest), tuple(tags)))
    failpoints.point("delete.recorded")


def delete_by_reference(work: Work, project_id: int, path: str, reference: str) -> None:
    """Delete the artifact that a tag or a digest names.

    Raises:
        RepositoryUnknown: there is no such repository.
        ManifestUnknown, ManifestInUse, TagImmutable: as `delete_artifact`.
    """
    close_gate(work, project_id)  # at once: of two who passed it beside each other, neither could close it
    repository = enter_repository(work, project_id, path)
    artifact = get_artifact(work, repository.id, reference)
    delete_artifact(work, project_id, repository.id, path, artifact.digest)


def delete_repository(work: Work, project_id: int, path: str) -> None:
    """Delete a repository with all that it holds: one row goes to the trash, however many artifacts. Its name is free.

    Under the project's gate: no push lands in it meanwhile.

    Raises:
        RepositoryUnknown: there is none.
        TagImmutable: a rule keeps one of its tags.
    """
    close_gate(work, project_id)
    repository = get_repository(work, project_id, path)
    trash, rules = _open_trash(work, project_id, repository.id, "repository", path)
    if rules:
        require_mutable(work, project_id, path, work.db.execute(_TAGS_IN, {"repository": repository.id}).scalars())
    if repository.artifact_count > 0:
        work.db.execute(_ONE_LESS, {"project": project_id})
    work.db.execute(_REPOSITORY_TO_TRASH, {"repository": repository.id, "trash": trash, "now": work.now})
    charge_states.to_trash(work, project_id, repository_id=repository.id)
    limits.count_repository(work, project_id, repository.id, -1)
    work.emit(RepositoryDeleted(project_id, repository.id, path, repository.artifact_count))
    failpoints.point("repository.recorded")


def _find_free(work: Work, needed: list[Any]) -> list[Any]:
    """Takes those out of `needed` that no live index names any more."""
    free = [one for one in needed if work.db.execute(_LIVE_PARENT, {"artifact": one.id}).scalar() is None]
    needed[:] = [one for one in needed if one not in free]
    return free


def _move_to_trash(work: Work, repository_id: int, item: Any, trash: int, tags: list[str]) -> int:  # noqa: ANN401 - a row
    """Move one artifact with its tags; returns 1 when it was in the default list."""
    for tag in work.db.execute(_TAGS_OF, {"artifact": item.id}).all():
        work.db.execute(_DELETE_TAG, {"repository": repository_id, "tag": tag.name})
        close_history(work, tag.history_id, "deleted", trash)
        tags.append(tag.name)
    work.db.execute(_TO_TRASH, {"artifact": item.id, "trash": trash})
    return 1 if (item.tagged or not item.child) and not item.accessory else 0


def _let_children_go(work: Work, artifact: int) -> int:
    """Children that no live index names any more are no children; returns how many entered the default list by it."""
    entered = 0
    for child in work.db.execute(_CHILDREN_LEFT, {"artifact": artifact}).all():
        work.db.execute(_NO_CHILD, {"artifact": child.id})
        if not child.tagged and not child.accessory:
            entered += 1
    return entered


def _open_trash(
    work: Work,
    project_id: int,
    repository_id: int,
    kind: str,
    label: str,
    *,
    keep_days: int | None = None,
    reason: str = "",
) -> tuple[int, int]:
    """The id of a new act of deleting, and how many rules the project has that may forbid it."""
    days, rules = work.db.execute(_PROJECT, {"project": project_id}).one()
    if keep_days is not None:
        days = keep_days
    made: int = work.db.execute(
        _NEW_TRASH,
        {
            "project_id": project_id, "repository_id": repository_id, "kind": kind, "label": label[:255],
            "reason": reason,
            "principal_id": work.actor.principal_id, "deleted_at": work.now,
            "seconds": days * 86_400.0,
        },
    ).scalar_one()  # fmt: skip
    return made, rules

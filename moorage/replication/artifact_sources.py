"""Find the artifacts that a replication policy selects, here or at another registry."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BindParameter, bindparam, select, text

from moorage.db.unit_of_work import Work
from moorage.oci.digest import Digest
from moorage.projects.tables import Project
from moorage.registries.adapters.base import Adapter, RemoteArtifact
from moorage.replication.filters import Filters, is_signature
from moorage.repositories.tables import Artifact, ArtifactLabel, ArtifactReference, Label, Repository, Tag

MAX_SIGNATURES = 200
"""A task is told so many tags of signatures of its repository; where there are more, it asks for its own."""
AT_ONCE = 500
"""How many rows are read in one look."""
_DEEPEST = 8


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact that is taken: the arguments of a task, but for the name at the target.

    Attributes:
        reference: what leads to it: a digest, or a tag where only that is known.
        tags: those that go along.
        kind: the contract's type in small letters.
        look: whether its kind is not known, and matters.
        signatures: the tags of its repository that hang something on a digest; None: not known.
    """

    repository: str
    reference: str
    tags: list[str]
    kind: str
    look: bool = False
    signatures: list[str] | None = None


# -- in another registry ------------------------------------------------------------------------------------


async def find_remote(adapter: Adapter, filters: Filters) -> AsyncIterator[Found]:
    """What another registry has of it. What is raised: see `Adapter`."""
    async for repository in adapter.list_repositories(filters.pattern):
        if not filters.takes_repository(repository):
            continue
        listed = [one async for one in adapter.list_artifacts(repository)]
        taken = [(one, tags) for one in listed if (tags := _keep(filters, one)) is not None]
        signatures = await _list_signatures(adapter, repository, listed) if taken else None
        for one, tags in taken:
            yield Found(
                repository=repository,
                reference=one.reference,
                tags=list(tags),
                kind=(one.kind or "image").lower(),
                look=filters.images_only and not one.kind,
                signatures=signatures,
            )


def _keep(filters: Filters, one: RemoteArtifact) -> tuple[str, ...] | None:
    if not filters.takes_labels(one.labels) or not filters.takes_kind(one.kind):
        return None
    return filters.keep_tags(one.tags)


async def _list_signatures(adapter: Adapter, repository: str, listed: list[RemoteArtifact]) -> list[str] | None:
    """The tags of signatures. A list by tags has them; one by digests may leave out what only hangs on others."""
    if all(one.reference in one.tags for one in listed):
        tags = [tag for one in listed for tag in one.tags]
    else:
        tags = [tag async for tag in adapter.client.list_tags(repository)]
    found = [tag for tag in tags if is_signature(tag)]
    return found if len(found) <= MAX_SIGNATURES else None


# -- here ---------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """A repository of ours."""

    id: int
    path: str


_PLACES = (
    select(Repository.id, Repository.path)
    .join(Project, Project.id == Repository.project_id)
    .where(Repository.path > bindparam("after"), text("repository.trash_id IS NULL AND repository.listed"))
    .where(Project.trash_id.is_(None))
    .order_by(Repository.path)
    .limit(AT_ONCE)
)
_ARTIFACTS = (
    select(Artifact.id, Artifact.digest, Artifact.kind)
    .where(Artifact.repository_id == bindparam("repository"), Artifact.id > bindparam("after"))
    .where(text("artifact.trash_id IS NULL AND (artifact.tagged OR NOT artifact.child) AND NOT artifact.accessory"))
    .order_by(Artifact.id)
    .limit(AT_ONCE)
)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_TAGS = select(Tag.artifact_id, Tag.name).where(Tag.artifact_id.in_(_IDS)).order_by(Tag.name)
_LABELS = (
    select(ArtifactLabel.artifact_id, Label.name)
    .join(Label, Label.id == ArtifactLabel.label_id)
    .where(ArtifactLabel.artifact_id.in_(_IDS))
)


def list_places(work: Work, filters: Filters, after: str) -> tuple[list[Place], str]:
    """The next repositories that are taken, and the name to go on after; "": that was all."""
    rows = work.db.execute(_PLACES, {"after": after}).all()
    taken = [Place(row.id, row.path) for row in rows if filters.takes_repository(row.path)]
    return taken, rows[-1].path if len(rows) == AT_ONCE else ""


def list_local(work: Work, filters: Filters, place: Place, after: int) -> tuple[list[Found], int]:
    """The next artifacts of a repository that are taken, and the id to go on after; 0: that was all."""
    rows = work.db.execute(_ARTIFACTS, {"repository": place.id, "after": after}).all()
    tags, labels = _attached(work, filters, [row.id for row in rows])
    taken = []
    for row in rows:
        kept = filters.keep_tags(tags.get(row.id, []))
        if kept is not None and filters.takes_kind(row.kind) and filters.takes_labels(labels.get(row.id, [])):
            taken.append(_found(place.path, row, kept))
    return taken, rows[-1].id if len(rows) == AT_ONCE else 0


def list_all(work: Work, filters: Filters, place: Place) -> list[Found]:
    """All artifacts of a repository that are taken, also of one that just went to the trash."""
    found, after = list_local(work, filters, place, 0)
    while after:
        more, after = list_local(work, filters, place, after)
        found += more
    return found


def find_pushed(work: Work, filters: Filters, path: str, artifact_id: int, tags: tuple[str, ...]) -> list[Found]:
    """What is taken because something was pushed: it, or what it hangs on, or what it is a part of.

    Args:
        tags: those that it carries because of that.
    """
    found = []
    for row in _find_roots(work, artifact_id):
        attached, labels = _attached(work, filters, [row.id])
        kept = filters.keep_tags(tags if row.id == artifact_id else attached.get(row.id, []))
        if kept is not None and filters.takes_kind(row.kind) and filters.takes_labels(labels.get(row.id, [])):
            found.append(_found(path, row, kept))
    return found


def _found(path: str, row: Any, tags: tuple[str, ...]) -> Found:  # noqa: ANN401 - a row
    digest = str(Digest.from_binary(bytes(row.digest)))
    return Found(repository=path, reference=digest, tags=list(tags), kind=(row.kind or "image").lower())


def _attached(work: Work, filters: Filters, ids: list[int]) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """Tags, and where a filter asks for them labels, by artifact."""
    found: tuple[dict[int, list[str]], dict[int, list[str]]] = ({}, {})
    queries = [_TAGS, _LABELS] if filters.labels else [_TAGS]
    for into, query in zip(found, queries if ids else [], strict=False):
        for artifact_id, name in work.db.execute(query, {"ids": ids}):
            into.setdefault(artifact_id, []).append(name)
    return found


_COLUMNS = (
    Artifact.id, Artifact.digest, Artifact.kind, Artifact.repository_id, Artifact.tagged, Artifact.child,
    Artifact.accessory, Artifact.subject_digest,
)  # fmt: skip


def _find_roots(work: Work, artifact_id: int) -> list[Any]:
    """The artifacts that a copy has to begin with so that this one comes along: most often itself."""
    roots, seen, level = [], {artifact_id}, [artifact_id]
    for _ in range(_DEEPEST):
        rows = work.db.execute(select(*_COLUMNS).where(Artifact.id.in_(level), Artifact.trash_id.is_(None))).all()
        up: set[int] = set()
        for row in rows:
            if row.accessory and row.subject_digest is not None:
                subject = (Artifact.repository_id == row.repository_id, Artifact.digest == row.subject_digest)
                up.update(work.db.scalars(select(Artifact.id).where(*subject, Artifact.trash_id.is_(None))))
            elif row.child and not row.tagged:
                up.update(
                    work.db.scalars(select(ArtifactReference.parent_id).where(ArtifactReference.child_id == row.id))
                )
            else:
                roots.append(row)
        level = sorted(up - seen)
        seen |= up
        if not level:
            break
    return roots

"""Copy an artifact to another repository: children, accessories and tags, all of it in one transaction, no byte moved.

The copy is recorded like a push, so rules, events, counters and quota are those of a push. Each kind of lock is taken
once for all that is copied, in the order that docs/develop/lossless.md, "Copy", gives.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from moorage import failpoints
from moorage.artifacts.push import Draft, hold_tags, record_all
from moorage.artifacts.service import get_artifact, get_repository
from moorage.blobs.links import link_blob
from moorage.db.locks import pass_gate
from moorage.db.unit_of_work import Work
from moorage.errors import (
    AccessoryCopy,
    CopyLimit,
    CopySourceInvalid,
    ManifestUnknown,
    NameInvalid,
    RepositoryUnknown,
)
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest
from moorage.oci.names import parse_repository
from moorage.quotas import service as quotas
from moorage.repositories.creation import ensure_repository, find_destination
from moorage.repositories.tables import Artifact, ArtifactBlob, ArtifactReference, Blob, Manifest, Tag

MAX_ARTIFACTS = 5_000

_ARTIFACTS = (
    select(Artifact.id, Artifact.digest, Artifact.media_type, Manifest.bytes)
    .join(Manifest, Manifest.artifact_id == Artifact.id)
    .where(Artifact.id.in_(bindparam("ids", expanding=True)), Artifact.trash_id.is_(None))
    .order_by(Artifact.id)
)
_CHILDREN = (
    select(ArtifactReference.parent_id, ArtifactReference.child_id)
    .where(ArtifactReference.parent_id.in_(bindparam("ids", expanding=True)), ArtifactReference.child_id.is_not(None))
    .order_by(ArtifactReference.parent_id, ArtifactReference.position)
)
_ACCESSORIES = (
    select(Artifact.id, Artifact.subject_digest)
    .where(
        Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None),
        Artifact.subject_digest.in_(bindparam("digests", expanding=True)),
    )
    .order_by(Artifact.id)
)  # fmt: skip
_TAGS = (
    select(Tag.artifact_id, Tag.name)
    .where(Tag.artifact_id.in_(bindparam("ids", expanding=True)))
    .order_by(Tag.artifact_id, Tag.name)
)
_BLOBS = (
    select(Blob.id, Blob.size_bytes)
    .where(
        Blob.state == "live",
        Blob.id.in_(select(ArtifactBlob.blob_id).where(ArtifactBlob.artifact_id.in_(bindparam("ids", expanding=True)))),
    )
    .order_by(Blob.id)
    .with_for_update(read=True, key_share=True)
)
_USES = (
    select(ArtifactBlob.artifact_id, ArtifactBlob.blob_id)
    .where(ArtifactBlob.artifact_id.in_(bindparam("ids", expanding=True)))
    .order_by(ArtifactBlob.artifact_id, ArtifactBlob.blob_id)
)


@dataclass(frozen=True, slots=True)
class Source:
    """What to copy. `path`: the repository's whole name; `reference`: a tag or a digest."""

    path: str
    reference: str


def read_source(text: str) -> Source:
    """Read `project/repository:tag` or `project/repository@digest`.

    Raises:
        CopySourceInvalid: it is neither.
    """
    path, sign, reference = text.partition("@") if "@" in text else text.rpartition(":")
    try:
        parse_repository(path)
    except NameInvalid:
        raise CopySourceInvalid(source=text[:300]) from None
    if not sign or not reference:
        raise CopySourceInvalid(source=text[:300])
    return Source(path, reference)


def copy_artifact(
    work: Work, project_id: int, path: str, *, source_project: int, source: Source, lease_seconds: int
) -> Digest:
    """Copy an artifact with its children, its accessories and theirs, and its tags. Safe to repeat.

    Tags of the target that point elsewhere move, as by a push.

    Raises:
        RepositoryUnknown, ManifestUnknown: there is no such source, or the target's project is gone.
        NameInvalid: the target cannot be a repository's name.
        AccessoryCopy: the source is an accessory.
        CopyLimit: too much hangs on it.
        QuotaExceeded: the target's project has no room for what is new to it.
        ProjectFull: a repository or a tag too many.
        TagImmutable: a rule of the target keeps a tag from moving.
    """
    parse_repository(path)
    for gate in sorted({project_id, source_project}):
        pass_gate(work, gate)
    to = find_destination(work, project_id, path)
    if to is None:
        raise RepositoryUnknown(repository=path)
    origin = get_repository(work, source_project, source.path)
    root = get_artifact(work, origin.id, source.reference)
    if root.accessory:
        raise AccessoryCopy(digest=str(root.digest))
    target = ensure_repository(work, to)

    order, rows = _gather(work, origin.id, root.id)
    # Tags of the artifact and of its accessories (a signature's first form is found by its tag); children go untagged.
    accessories = {one for one, accessory in order if accessory}
    tags: dict[int, list[str]] = {}
    # Onto itself none are written: a push may move one between this look and the writing, and would be undone.
    named = () if origin.id == target.repository_id else sorted({root.id, *accessories})
    for artifact, name in work.db.execute(_TAGS, {"ids": named}) if named else ():
        tags.setdefault(artifact, []).append(name)
    held = hold_tags(work, target.repository_id, sorted({name for names in tags.values() for name in names}))
    blobs = work.db.execute(_BLOBS, {"ids": sorted(rows)}).all()
    owed = sum(link_blob(work, target, blob, size, lease_seconds=lease_seconds) for blob, size in blobs)
    uses: dict[int, list[int]] = {}
    for artifact, blob in work.db.execute(_USES, {"ids": sorted(rows)}):
        uses.setdefault(artifact, []).append(blob)
    failpoints.point("copy.linked")
    drafts = [
        Draft(
            Digest.from_binary(bytes(rows[one].digest)), manifests.parse(bytes(rows[one].bytes), rows[one].media_type),
            bytes(rows[one].bytes), tags.get(one, ()), uses.get(one, ()),
        )
        for one, _ in order
    ]  # fmt: skip
    owed += record_all(work, target, drafts, held)
    quotas.charge(work, project_id, owed)
    failpoints.point("copy.recorded")
    return root.digest


def _gather(work: Work, repository_id: int, root: int) -> tuple[list[tuple[int, bool]], dict[int, Any]]:
    """All that goes along: the order to record it in, with whether it is an accessory; and the rows.

    Children come before the index that names them. Three statements for each level of the tree. The gate of the source
    is passed: nobody deletes or purges any of it, so nothing of it is locked.

    Raises:
        CopyLimit: more than 5,000.
        ManifestUnknown: something was deleted meanwhile.
    """
    rows: dict[int, Any] = {}
    children: dict[int, list[int]] = {}
    accessories: set[int] = set()
    waiting = [root]
    while waiting:
        found = {row.id: row for row in work.db.execute(_ARTIFACTS, {"ids": waiting})}
        if len(found) != len(waiting):
            raise ManifestUnknown("Something was deleted while it was copied; try again.")
        rows |= found
        if len(rows) > MAX_ARTIFACTS:
            raise CopyLimit(limit=MAX_ARTIFACTS)
        reached: set[int] = set()
        for parent, child in work.db.execute(_CHILDREN, {"ids": waiting}):
            if child is not None:
                children.setdefault(parent, []).append(child)
                reached.add(child)
        digests = [row.digest for row in found.values()]
        for row in work.db.execute(_ACCESSORIES, {"repository": repository_id, "digests": digests}):
            accessories.add(row.id)
            reached.add(row.id)
        waiting = sorted(reached - rows.keys())
    return [(one, one in accessories) for one in _children_first(rows, children)], rows


def _children_first(ids: Iterable[int], children: dict[int, list[int]]) -> list[int]:
    """All ids, each behind its children."""
    order: dict[int, None] = {}
    for start in ids:
        path = [start]
        while path:
            one = path[-1]
            left = [child for child in children.pop(one, []) if child not in order]
            if left:
                path += left
            else:
                order.setdefault(path.pop())
    return list(order)

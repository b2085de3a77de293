"""Record a pushed manifest: links, artifact, tags and quota in one transaction.

Source: OCI distribution-spec v1.1, "Pushing Manifests"; docs/develop/lossless.md, "Manifest PUT".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from moorage import faults
from moorage.artifacts.repositories import Destination, count_artifacts, ensure_repository
from moorage.artifacts.rules import require_mutable
from moorage.artifacts.tables import (
    Artifact,
    ArtifactBlob,
    ArtifactReference,
    Blob,
    Manifest,
    RepositoryBlob,
    Tag,
    TagHistory,
)
from moorage.db.locks import lock_tag
from moorage.db.work import Work
from moorage.errors import ManifestBlobUnknown, TagMoved
from moorage.events import ManifestPushed
from moorage.oci.digest import Digest
from moorage.oci.manifest import Manifest as Parsed
from moorage.quotas import service as quotas

_LINKS = (
    select(Blob.id, Blob.digest)
    .join(RepositoryBlob, RepositoryBlob.blob_id == Blob.id)
    .where(
        RepositoryBlob.repository_id == bindparam("repository"), ~RepositoryBlob.hidden,
        Blob.state == "live", Blob.digest.in_(bindparam("digests", expanding=True)),
    )
    .order_by(Blob.id)
    .with_for_update(read=True, key_share=True, of=RepositoryBlob)
)  # fmt: skip
_CHILDREN = (
    select(Artifact.id, Artifact.digest, Artifact.size_bytes)
    .where(
        Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None),
        Artifact.digest.in_(bindparam("digests", expanding=True)),
    )
    .order_by(Artifact.id)
    .with_for_update(read=True, key_share=True)
)  # fmt: skip
_NEW_ARTIFACT = {
    "postgresql": postgresql.insert(Artifact)
    .on_conflict_do_nothing(index_elements=["repository_id", "digest"])
    .returning(Artifact.id),
    "sqlite": sqlite.insert(Artifact)
    .on_conflict_do_nothing(index_elements=["repository_id", "digest"])
    .returning(Artifact.id),
}
_OLD_ARTIFACT = (
    select(Artifact.id, Artifact.trash_id, Artifact.tagged, Artifact.child, Artifact.accessory)
    .where(Artifact.repository_id == bindparam("repository"), Artifact.digest == bindparam("digest"))
    .with_for_update()
)
_REVIVE = update(Artifact).where(Artifact.id == bindparam("artifact")).values(trash_id=None, tagged=False, child=False)
_MANIFEST = insert(Manifest)
_ARTIFACT_BLOB = insert(ArtifactBlob)
_REFERENCE = insert(ArtifactReference)
_MARK_CHILDREN = (
    update(Artifact)
    .where(Artifact.id.in_(bindparam("children", expanding=True)), ~Artifact.child)
    .values(child=True)
    .returning(Artifact.tagged, Artifact.accessory)
)
_IS_CHILD = select(
    exists(
        select(ArtifactReference.parent_id)
        .join(Artifact, Artifact.id == ArtifactReference.parent_id)
        .where(ArtifactReference.child_id == bindparam("artifact"), Artifact.trash_id.is_(None))
    )
)
_SET_CHILD = update(Artifact).where(Artifact.id == bindparam("artifact")).values(child=bindparam("is_child"))
_TAGS = (
    select(Tag.name, Tag.artifact_id, Tag.history_id)
    .where(Tag.repository_id == bindparam("repository"), Tag.name.in_(bindparam("names", expanding=True)))
    .order_by(Tag.name)
    .with_for_update()
)
_DIGEST_OF = select(Artifact.digest).where(Artifact.id == bindparam("artifact"))
_OPEN_HISTORY = insert(TagHistory).returning(TagHistory.id)
_CLOSE_HISTORY = (
    update(TagHistory)
    .where(TagHistory.id == bindparam("history"))
    .values(until=bindparam("now"), ended_by=bindparam("how"), trash_id=bindparam("trash"))
)
_MOVED = ("artifact_id", "history_id", "pushed_at")
_PG_TAG = postgresql.insert(Tag)
_LITE_TAG = sqlite.insert(Tag)
_SET_TAG = {
    "postgresql": _PG_TAG.on_conflict_do_update(
        index_elements=["repository_id", "name"], set_={name: _PG_TAG.excluded[name] for name in _MOVED}
    ),
    "sqlite": _LITE_TAG.on_conflict_do_update(
        index_elements=["repository_id", "name"], set_={name: _LITE_TAG.excluded[name] for name in _MOVED}
    ),
}
_SET_TAGGED = (
    update(Artifact)
    .where(Artifact.id == bindparam("artifact"), ~Artifact.tagged)
    .values(tagged=True)
    .returning(Artifact.child, Artifact.accessory)
)
_SET_UNTAGGED = (
    update(Artifact)
    .where(
        Artifact.id == bindparam("artifact"), Artifact.tagged,
        ~exists().where(Tag.artifact_id == bindparam("artifact")),
    )
    .values(tagged=False)
    .returning(Artifact.child, Artifact.accessory)
)  # fmt: skip


Condition = Callable[[str | None], bool]
"""Given the entity tag of what a tag points to now (its digest; None: the tag does not exist), whether it may move."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of a push. `new`: the repository did not hold this manifest."""

    artifact_id: int
    new: bool


def record(
    work: Work,
    to: Destination,
    digest: Digest,
    parsed: Parsed,
    raw: bytes,
    *,
    tags: Sequence[str] = (),
    condition: Condition | None = None,
) -> Pushed:
    """Record a manifest and point `tags` at it: all of it or nothing. Safe to repeat.

    Args:
        condition: must hold for the first tag, as it is under the lock of this transaction.

    Raises:
        ManifestBlobUnknown: blobs or children are not in this repository; the detail names them.
        TagMoved: the condition does not hold.
        TagImmutable: a rule keeps a tag that points to another artifact where it is.
        QuotaExceeded: no room for the manifest's own bytes.
    """
    target = ensure_repository(work, to)
    repository = target.repository_id
    held = _current_tags(work, repository, tags)
    if condition is not None:
        _check_condition(work, tags[0], held, condition)
    blobs = _link_blobs(work, repository, parsed)
    children = _find_children(work, repository, parsed)
    faults.point("manifest.linked")

    columns = _columns(parsed, raw, children, tagged=bool(tags))
    artifact, new, listed = _ensure_artifact(work, repository, digest, columns)
    if new:
        work.db.execute(_MANIFEST, {"artifact_id": artifact, "bytes": raw})
        if blobs:
            rows = [{"repository_id": repository, "blob_id": blob, "artifact_id": artifact} for blob in sorted(blobs)]
            work.db.execute(_ARTIFACT_BLOB, rows)
        if parsed.children:
            work.db.execute(_REFERENCE, _reference_rows(artifact, parsed, children))
    if target.immutable_rules:
        require_mutable(work, to.project_id, to.path, [tag for tag, row in held.items() if row.artifact_id != artifact])
    for name in sorted(set(tags)):
        _point_tag(work, repository, name, (artifact, digest), held.get(name))
        before = held.get(name)
        if before is not None and before.artifact_id != artifact:
            listed -= untag(work, before.artifact_id)
    if tags and not new:
        row = work.db.execute(_SET_TAGGED, {"artifact": artifact}).first()
        listed += 1 if row is not None and row.child and not row.accessory else 0
    if children:
        # Counted from what the update returns: another index may have marked them since they were read.
        marked = work.db.execute(_MARK_CHILDREN, {"children": [row.id for row in children.values()]}).all()
        listed -= sum(1 for row in marked if not (row.tagged or row.accessory))
    count_artifacts(work, repository, listed)
    if new:
        quotas.charge(work, to.project_id, len(raw))
    work.emit(ManifestPushed(to.project_id, repository, to.path, artifact, str(digest), tuple(tags), new))
    faults.point("manifest.recorded")
    return Pushed(artifact, new)


def _current_tags(work: Work, repository: int, tags: Sequence[str]) -> dict[str, Any]:
    if not tags:
        return {}
    for name in sorted(set(tags)):
        lock_tag(work, repository, name)
    rows = work.db.execute(_TAGS, {"repository": repository, "names": sorted(set(tags))})
    return {row.name: row for row in rows}


def _check_condition(work: Work, tag: str, held: dict[str, Any], condition: Condition) -> None:
    row = held.get(tag)
    now = work.db.execute(_DIGEST_OF, {"artifact": row.artifact_id}).scalar() if row is not None else None
    if not condition(None if now is None else str(Digest.from_binary(bytes(now)))):
        raise TagMoved(tag=tag)


def _link_blobs(work: Work, repository: int, parsed: Parsed) -> list[int]:
    """The ids of the blobs that the manifest names, their links share-locked: the collector passes them by.

    The leases are left alone: the collector turns a spent one into "held" when it finds the link in use.
    """
    required = {descriptor.digest.binary: descriptor for descriptor in parsed.blobs}
    wanted = list(required) + [descriptor.digest.binary for descriptor in parsed.foreign]
    if not wanted:
        return []
    rows = work.db.execute(_LINKS, {"repository": repository, "digests": wanted}).all()
    if len(rows) < len(wanted):  # foreign layers need not be here; those that are must be held all the same
        found = {bytes(row.digest) for row in rows}
        missing = [str(entry.digest) for binary, entry in required.items() if binary not in found]
        if missing:
            raise ManifestBlobUnknown(missing=missing[:20])
    return [row.id for row in rows]


def _find_children(work: Work, repository: int, parsed: Parsed) -> dict[bytes, Any]:
    wanted = {descriptor.digest.binary: descriptor for descriptor in parsed.children}
    if not wanted:
        return {}
    rows = work.db.execute(_CHILDREN, {"repository": repository, "digests": list(wanted)}).all()
    found = {bytes(row.digest): row for row in rows}
    missing = [str(entry.digest) for binary, entry in wanted.items() if binary not in found]
    if missing:
        raise ManifestBlobUnknown(missing=missing[:20])
    return found


def _columns(parsed: Parsed, raw: bytes, children: dict[bytes, Any], *, tagged: bool) -> dict[str, object]:
    """What the artifact's row says of the manifest."""
    return {
        "media_type": parsed.media_type,
        "artifact_type": parsed.artifact_type,
        "config_media_type": parsed.config.media_type if parsed.config else "",
        "config_digest": parsed.config.digest.binary if parsed.config else None,
        "subject_digest": parsed.subject.digest.binary if parsed.subject else None,
        "size_bytes": len(raw) + sum(row.size_bytes for row in children.values()) if children else parsed.size_bytes,
        "manifest_bytes": len(raw),
        "annotations": dict(parsed.annotations) or None,
        "accessory": parsed.subject is not None,
        "tagged": tagged,
    }


def _ensure_artifact(work: Work, repository: int, digest: Digest, columns: dict[str, object]) -> tuple[int, bool, int]:
    """The artifact's id, whether it is new, and by how much the default list grew because of it.

    An artifact in the trash comes back, without its old tags.
    """
    accessory = columns["accessory"]
    made = work.db.execute(
        _NEW_ARTIFACT[work.db.dialect.name],
        {
            "repository_id": repository, "digest": digest.binary, "pushed_by": work.actor.principal_id,
            "pushed_at": work.now, **columns,
        },
    ).scalar()  # fmt: skip
    if made is not None:
        return made, True, 0 if accessory else 1
    old = work.db.execute(_OLD_ARTIFACT, {"repository": repository, "digest": digest.binary}).one()
    if old.trash_id is None:
        return old.id, False, 0
    work.db.execute(_REVIVE, {"artifact": old.id})
    is_child = bool(work.db.execute(_IS_CHILD, {"artifact": old.id}).scalar())
    if is_child:
        work.db.execute(_SET_CHILD, {"artifact": old.id, "is_child": True})
    return old.id, False, 0 if accessory or is_child else 1


def _reference_rows(artifact: int, parsed: Parsed, children: dict[bytes, Any]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for position, entry in enumerate(parsed.children):
        platform = entry.platform
        rows.append(
            {
                "parent_id": artifact,
                "position": position,
                "child_id": children[entry.digest.binary].id,
                "child_digest": entry.digest.binary,
                "platform": None
                if platform is None
                else {
                    "architecture": platform.architecture, "os": platform.os, "variant": platform.variant,
                    "os.version": platform.os_version, "os.features": list(platform.os_features),
                },
                "annotations": dict(entry.annotations) or None,
            }
        )  # fmt: skip
    return rows


def _point_tag(
    work: Work,
    repository: int,
    name: str,
    artifact: tuple[int, Digest],
    before: Any,  # noqa: ANN401 - a row
) -> None:
    """Point a tag at an artifact. A tag that points there already is left alone, history and all."""
    artifact_id, digest = artifact
    if before is not None and before.artifact_id == artifact_id:
        return
    history = work.db.execute(
        _OPEN_HISTORY,
        {
            "repository_id": repository, "name": name, "digest": digest.binary, "since": work.now,
            "principal_id": work.actor.principal_id,
        },
    ).scalar_one()  # fmt: skip
    work.db.execute(
        _SET_TAG[work.db.dialect.name],
        {
            "repository_id": repository, "name": name, "artifact_id": artifact_id, "history_id": history,
            "pushed_at": work.now,
        },
    )  # fmt: skip
    if before is not None:
        close_history(work, before.history_id, "moved", None)


def close_history(work: Work, history_id: int, how: str, trash_id: int | None) -> None:
    """End the open history row of a tag that moved or was deleted."""
    work.db.execute(_CLOSE_HISTORY, {"history": history_id, "now": work.now, "how": how, "trash": trash_id})


def untag(work: Work, artifact: int) -> int:
    """Note that an artifact lost a tag; returns 1 when it left the default list because of that."""
    row = work.db.execute(_SET_UNTAGGED, {"artifact": artifact}).first()
    return 1 if row is not None and row.child and not row.accessory else 0

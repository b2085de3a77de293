"""Record a pushed manifest: links, artifact, tags and quota in one transaction.

Source: OCI distribution-spec v1.1, "Pushing Manifests"; docs/develop/lossless.md, "Manifest PUT".
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import bindparam, exists, insert, select, update

from moorage import faults
from moorage.artifacts import kinds
from moorage.artifacts.repositories import Destination, count_artifacts, counting, ensure_repository, settle_count
from moorage.artifacts.rules import require_mutable
from moorage.artifacts.tables import Artifact, ArtifactReference, Tag, TagHistory
from moorage.db.engine import Query
from moorage.db.fast import Call, call, each, filled, moment, one, sized
from moorage.db.locks import locking_tag
from moorage.db.work import Work
from moorage.errors import ManifestBlobUnknown, TagMoved
from moorage.events import ManifestPushed
from moorage.oci.digest import Digest
from moorage.oci.manifest import Manifest as Parsed
from moorage.oci.versions import order_key
from moorage.quotas import limits
from moorage.quotas import service as quotas

_NEW_COLUMNS = """repository_id, digest, pushed_by, pushed_at, media_type, artifact_type, config_media_type,
    config_digest, subject_digest, size_bytes, manifest_bytes, annotations, accessory, tagged,
    kind, accessory_kind"""
_NEW_ROW = f"""INSERT INTO artifact ({_NEW_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (repository_id, digest) DO NOTHING RETURNING id"""  # noqa: S608 - put together from constants
# PostgreSQL writes the artifact's bytes and links in the same statement; with SQLite `_NEW_BYTES` and `_NEW_LINKS` do.
_NEW_ARTIFACT = Query(
    _NEW_ROW,
    postgresql=f"""WITH made AS ({_NEW_ROW}),
    content AS (INSERT INTO manifest (artifact_id, bytes) SELECT id, $17::bytea FROM made),
    links AS (INSERT INTO artifact_blob (repository_id, blob_id, artifact_id)
        SELECT $1, wanted.blob, made.id FROM made, unnest($18::bigint[]) AS wanted (blob))
SELECT id FROM made""",  # noqa: S608 - put together from constants
)
_NEW_BYTES = Query("INSERT INTO manifest (artifact_id, bytes) VALUES ($1, $2)", postgresql="")
_NEW_LINKS = Query(
    "INSERT INTO artifact_blob (repository_id, blob_id, artifact_id) SELECT $1, value, $2 FROM json_each($3)",
    postgresql="",
)
_OLD_ARTIFACT = (
    select(Artifact.id, Artifact.trash_id, Artifact.tagged, Artifact.child, Artifact.accessory)
    .where(Artifact.repository_id == bindparam("repository"), Artifact.digest == bindparam("digest"))
    .with_for_update(key_share=True)
)
# Whoever takes a tag away looks at what is left only under this lock: two who take the last two would else each see
# the other's, and nobody would note that there is none.
_LOSER = Query("", postgresql="SELECT id FROM artifact WHERE id = $1 FOR NO KEY UPDATE")
_REVIVE = update(Artifact).where(Artifact.id == bindparam("artifact")).values(trash_id=None, tagged=False, child=False)
_REFERENCE = insert(ArtifactReference)
_ADOPT = (
    update(ArtifactReference)
    .where(
        ArtifactReference.child_id.is_(None), ArtifactReference.child_digest == bindparam("digest"),
        ArtifactReference.parent_id.in_(
            select(Artifact.id).where(Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None))
        ),
    )
    .values(child_id=bindparam("child"))
)  # fmt: skip
_LINK_LATE = (
    update(ArtifactReference)
    .where(
        ArtifactReference.parent_id == bindparam("parent"), ArtifactReference.child_digest == bindparam("digest"),
        ArtifactReference.child_id.is_(None),
    )
    .values(child_id=bindparam("child"))
)  # fmt: skip
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
_DIGEST_OF = select(Artifact.digest).where(Artifact.id == bindparam("artifact"))
_CLOSE_HISTORY = (
    update(TagHistory)
    .where(TagHistory.id == bindparam("history"))
    .values(until=bindparam("now"), ended_by=bindparam("how"), trash_id=bindparam("trash"))
)
_OPEN_HISTORY = """INSERT INTO tag_history (repository_id, name, digest, since, principal_id)
VALUES ($1, $2, $3, $4, $5)"""
_SET_TAG = """INSERT INTO tag (repository_id, name, artifact_id, history_id, pushed_at, version) {values}
ON CONFLICT (repository_id, name) DO UPDATE
SET artifact_id = excluded.artifact_id, history_id = excluded.history_id, pushed_at = excluded.pushed_at"""
# The history and then the tag: PostgreSQL takes both as one statement, which is the first.
_POINT = Query(
    _OPEN_HISTORY,
    postgresql=f"""WITH opened AS ({_OPEN_HISTORY} RETURNING id)
{_SET_TAG.format(values="SELECT $1, $2, $6::bigint, id, $4, $7::text FROM opened")}""",  # noqa: S608 - put together from constants
)
_POINT_TAG = Query(_SET_TAG.format(values="VALUES ($1, $2, $6, last_insert_rowid(), $4, $7)"), postgresql="")
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


@lru_cache(maxsize=512)
def _links(count: int) -> Query:
    """The live blobs that a repository holds, of so many digests; their links are share-locked."""
    return Query(
        f"""SELECT b.id, b.digest
FROM blob b JOIN repository_blob l ON l.blob_id = b.id
WHERE l.repository_id = $1 AND NOT l.hidden AND b.state = 'live' AND b.digest IN ({_places(count)})
ORDER BY b.id {{lock:FOR KEY SHARE OF l}}"""  # noqa: S608 - put together from constants
    )


@lru_cache(maxsize=512)
def _children(count: int) -> Query:
    """The artifacts of a repository, of so many digests, share-locked."""
    return Query(
        f"""SELECT id, digest, size_bytes FROM artifact
WHERE repository_id = $1 AND trash_id IS NULL AND digest IN ({_places(count)})
ORDER BY id {{lock:FOR KEY SHARE}}"""  # noqa: S608 - put together from constants
    )


@lru_cache(maxsize=512)
def _tags(count: int) -> Query:
    """Where so many tags of a repository point, locked."""
    return Query(
        f"""SELECT name, artifact_id, history_id FROM tag
WHERE repository_id = $1 AND name IN ({_places(count)})
ORDER BY name {{lock:FOR UPDATE}}"""  # noqa: S608 - put together from constants
    )


@lru_cache(maxsize=512)
def _losers(count: int) -> Query:
    """Lock the artifact of a digest, if there is one, and so many that may lose a tag to it, in one order."""
    return Query(
        "",
        postgresql=f"""SELECT id FROM artifact
WHERE repository_id = $1 AND digest = $2 OR id IN ({_places(count, 3)})
ORDER BY id FOR NO KEY UPDATE""",  # noqa: S608 - put together from constants
    )


def _places(count: int, first: int = 2) -> str:
    return ", ".join(f"${number}" for number in range(first, sized(count) + first))


Condition = Callable[[str | None], bool]
"""Given the entity tag of what a tag points to now (its digest; None: the tag does not exist), whether it may move."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of a push. `new`: the repository did not hold this manifest. `tags`: how many it did not have."""

    artifact_id: int
    new: bool
    tags: int


def record(
    work: Work,
    to: Destination,
    digest: Digest,
    parsed: Parsed,
    raw: bytes,
    *,
    tags: Sequence[str] = (),
    condition: Condition | None = None,
    charged: bool = True,
    sparse: bool = False,
) -> Pushed:
    """Record a manifest and point `tags` at it: all of it or nothing. Safe to repeat.

    Args:
        charged: charge the project for the manifest's own bytes, and count its new tags. A caller who records several
            in one transaction does so for all of them at its end: whoever holds the counters waits for nothing else.
        condition: must hold for the first tag, as it is under the lock of this transaction.
        sparse: children of an index may be missing: somebody chose to copy some of them. Those that come later are
            linked then.

    Raises:
        ManifestBlobUnknown: blobs or children are not in this repository; the detail names them.
        TagMoved: the condition does not hold.
        TagImmutable: a rule keeps a tag that points to another artifact where it is.
        QuotaExceeded: no room for the manifest's own bytes.
        ProjectFull: a repository or a tag too many.
    """
    target = ensure_repository(work, to)
    repository = target.repository_id
    names = sorted(set(tags))
    held, blobs, children = _look_around(work, repository, names, parsed)
    if condition is not None:
        _check_condition(work, tags[0], held, condition)
    linked = _require_blobs(parsed, blobs)
    if not sparse:
        _require_children(parsed, children)
    faults.point("manifest.linked")

    columns = _columns(parsed, raw, children, tags)
    losers = sorted({one.artifact_id for one in held.values()})
    artifact, new, listed = _ensure_artifact(work, _Place(repository, digest, losers), columns, raw, linked)
    if new and parsed.children:
        work.db.execute(_REFERENCE, _reference_rows(artifact, parsed, children))
    elif sparse and children:
        _link_late(work, artifact, children)
    if new and not tags:
        listed -= _adopt(work, repository, artifact, digest, accessory=bool(columns[8]))
    # What points there already is left alone, history and all.
    moved = [name for name in names if name not in held or held[name].artifact_id != artifact]
    if target.immutable_rules:
        require_mutable(work, to.project_id, to.path, [name for name in moved if name in held])
    calls = [step for name in moved for step in _pointing(work, repository, name, artifact, digest)]
    lost = [held[name] for name in moved if name in held]
    made = len(moved) - len(lost)
    if lost or children or (tags and not new):
        each(work, calls)
        calls = []
        for before in lost:
            close_history(work, before.history_id, "moved", None)
            listed -= untag(work, before.artifact_id)
        if tags and not new:
            row = work.db.execute(_SET_TAGGED, {"artifact": artifact}).first()
            listed += 1 if row is not None and row.child and not row.accessory else 0
        if children:
            # Counted from what the update returns: another index may have marked them since they were read.
            marked = work.db.execute(_MARK_CHILDREN, {"children": [row.id for row in children.values()]}).all()
            listed -= sum(1 for row in marked if not (row.tagged or row.accessory))
    tally = _Tally(listed, made if charged else 0, len(raw) if new and charged else None)
    _count_and_charge(work, to.project_id, repository, calls, tally)
    work.emit(ManifestPushed(to.project_id, repository, to.path, artifact, str(digest), tuple(tags), new))
    faults.point("manifest.recorded")
    return Pushed(artifact, new, made)


class _Held(NamedTuple):
    """Where a tag points."""

    artifact_id: int
    history_id: int


class _Place(NamedTuple):
    """Where an artifact is to be. `losers`: those that its tags point to now; they are locked with it."""

    repository_id: int
    digest: Digest
    losers: list[int]


class _Child(NamedTuple):
    """An artifact that an index names."""

    id: int
    size_bytes: int


def _look_around(
    work: Work, repository: int, names: list[str], parsed: Parsed
) -> tuple[dict[str, _Held], dict[bytes, int], dict[bytes, _Child]]:
    """What is there now, locked in the order of locks: tags by name, then ids of blobs and children by digest.

    The links of the blobs are share-locked: the collector passes them by. The leases are left alone: it turns a spent
    one into "held" when it finds the link in use.
    """
    blobs = [descriptor.digest.binary for descriptor in (*parsed.blobs, *parsed.foreign)]
    wanted = [descriptor.digest.binary for descriptor in parsed.children]
    calls = [locking_tag(repository, name) for name in names]
    for query, values in ((_tags, names), (_links, blobs), (_children, wanted)):
        if values:
            calls.append(call(query(len(values)), repository, *filled(values)))
    found = iter(each(work, calls)[len(names) :])
    held = {name: _Held(artifact, history) for name, artifact, history in (next(found) if names else ())}
    links = {bytes(digest): blob for blob, digest in (next(found) if blobs else ())}
    children = {bytes(digest): _Child(id_, size) for id_, digest, size in (next(found) if wanted else ())}
    return held, links, children


def _check_condition(work: Work, tag: str, held: dict[str, _Held], condition: Condition) -> None:
    row = held.get(tag)
    now = work.db.execute(_DIGEST_OF, {"artifact": row.artifact_id}).scalar() if row is not None else None
    if not condition(None if now is None else str(Digest.from_binary(bytes(now)))):
        raise TagMoved(tag=tag)


def _require_blobs(parsed: Parsed, found: dict[bytes, int]) -> list[int]:
    """The ids of the blobs that the manifest names. Foreign layers need not be here; those that are count, too."""
    missing = [str(entry.digest) for entry in parsed.blobs if entry.digest.binary not in found]
    if missing:
        raise ManifestBlobUnknown(missing=list(dict.fromkeys(missing))[:20])
    return sorted(found.values())


def _require_children(parsed: Parsed, found: dict[bytes, _Child]) -> None:
    missing = [str(entry.digest) for entry in parsed.children if entry.digest.binary not in found]
    if missing:
        raise ManifestBlobUnknown(missing=list(dict.fromkeys(missing))[:20])


def _columns(parsed: Parsed, raw: bytes, children: dict[bytes, _Child], tags: Sequence[str]) -> tuple[object, ...]:
    """What the artifact's row says of the manifest, from `media_type` on in the order of `_NEW_COLUMNS`."""
    config = parsed.config
    subject = kinds.find_subject(parsed, tags)
    return (
        parsed.media_type,
        parsed.artifact_type,
        config.media_type if config else "",
        config.digest.binary if config else None,
        subject.binary if subject else None,
        len(raw) + sum(row.size_bytes for row in children.values()) if children else parsed.size_bytes,
        len(raw),
        json.dumps(dict(parsed.annotations) or None),
        subject is not None,
        bool(tags),
        kinds.kind_of(parsed),
        kinds.accessory_kind(parsed) if subject else "",
    )


def _ensure_artifact(
    work: Work, place: _Place, columns: tuple[object, ...], raw: bytes, blobs: list[int]
) -> tuple[int, bool, int]:
    """The artifact's id, whether it is new, and by how much the default list grew because of it.

    A new one has its bytes and links. An artifact in the trash comes back, without its old tags.
    """
    repository, digest, _ = place
    accessory = columns[8]
    values = (repository, digest.binary, work.actor.principal_id, moment(work, work.now), *columns)
    on_sqlite = work.db.dialect.name == "sqlite"
    made = one(work, _NEW_ARTIFACT, *values) if on_sqlite else one(work, _NEW_ARTIFACT, *values, raw, blobs)
    if made is not None:
        if on_sqlite:
            links = (call(_NEW_LINKS, repository, made[0], json.dumps(blobs)),) if blobs else ()
            each(work, (call(_NEW_BYTES, made[0], raw), *links))
        _lock_losers(work, place)
        return made[0], True, 0 if accessory else 1
    _lock_losers(work, place)
    old = work.db.execute(_OLD_ARTIFACT, {"repository": repository, "digest": digest.binary}).one()
    if old.trash_id is None:
        return old.id, False, 0
    work.db.execute(_REVIVE, {"artifact": old.id})
    is_child = bool(work.db.execute(_IS_CHILD, {"artifact": old.id}).scalar())
    if is_child:
        work.db.execute(_SET_CHILD, {"artifact": old.id, "is_child": True})
    return old.id, False, 0 if accessory or is_child else 1


def _lock_losers(work: Work, place: _Place) -> None:
    if place.losers:
        query = _losers(len(place.losers))
        each(work, (call(query, place.repository_id, place.digest.binary, *filled(place.losers)),))


def lock_loser(work: Work, artifact: int) -> None:
    """Lock an artifact that loses a tag, before the tag goes, and before `untag`."""
    each(work, (call(_LOSER, artifact),))


def _reference_rows(artifact: int, parsed: Parsed, children: dict[bytes, _Child]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for position, entry in enumerate(parsed.children):
        platform = entry.platform
        rows.append(
            {
                "parent_id": artifact,
                "position": position,
                "child_id": child.id if (child := children.get(entry.digest.binary)) is not None else None,
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


def _link_late(work: Work, parent: int, children: dict[bytes, _Child]) -> None:
    """Link the children of an index that came after it."""
    work.db.execute(
        _LINK_LATE, [{"parent": parent, "digest": digest, "child": row.id} for digest, row in children.items()]
    )


def _adopt(work: Work, repository: int, artifact: int, digest: Digest, *, accessory: bool) -> int:
    """Link a new, untagged artifact to the indexes that came without it; 1 when it leaves the default list by that."""
    values = {"repository": repository, "child": artifact, "digest": digest.binary}
    if not work.db.execute(_ADOPT, values).rowcount:
        return 0
    work.db.execute(_SET_CHILD, {"artifact": artifact, "is_child": True})
    return 0 if accessory else 1


def _pointing(work: Work, repository: int, name: str, artifact: int, digest: Digest) -> tuple[Call, Call]:
    """Point a tag at an artifact, with a new row in its history."""
    values = (repository, name, digest.binary, moment(work, work.now), work.actor.principal_id)
    if work.db.dialect.name == "sqlite":
        return call(_POINT, *values), call(_POINT_TAG, *values, artifact, order_key(name))
    return call(_POINT, *values, artifact, order_key(name)), call(_POINT_TAG)


class _Tally(NamedTuple):
    """What grew: the default list, the project's tags, and what it holds in bytes (None: nothing to charge)."""

    listed: int
    tags: int
    charged: int | None


def _count_and_charge(work: Work, project: int, repository: int, calls: list[Call], grew: _Tally) -> None:
    """Run `calls`, and with them the counting of what grew.

    Raises:
        QuotaExceeded: no room.
        ProjectFull: a repository or a tag too many.
    """
    if grew.listed:
        calls.append(counting(work, repository, grew.listed))
    if grew.tags:
        calls.append(limits.counting_tags(project, grew.tags))
    if grew.charged is not None:
        calls.append(quotas.charging(project, grew.charged))
    results = each(work, calls)
    if grew.charged is not None:
        quotas.settle_charge(work, project, grew.charged, results.pop())
    if grew.tags:
        limits.settle_tags(work, grew.tags, results.pop())
    if grew.listed:
        settle_count(work, grew.listed, results.pop())


def close_history(work: Work, history_id: int, how: str, trash_id: int | None) -> None:
    """End the open history row of a tag that moved or was deleted."""
    work.db.execute(_CLOSE_HISTORY, {"history": history_id, "now": work.now, "how": how, "trash": trash_id})


def untag(work: Work, artifact: int) -> int:
    """Note that an artifact, which is locked, lost a tag; returns 1 when it left the default list because of that."""
    row = work.db.execute(_SET_UNTAGGED, {"artifact": artifact}).first()
    return 1 if row is not None and row.child and not row.accessory else 0


def add_tag(work: Work, repository: int, name: str, artifact: int, digest: Digest) -> None:
    """Point a tag that does not exist yet, and whose lock is held, at an artifact of the repository."""
    each(work, _pointing(work, repository, name, artifact, digest))
    row = work.db.execute(_SET_TAGGED, {"artifact": artifact}).first()
    count_artifacts(work, repository, 1 if row is not None and row.child and not row.accessory else 0)

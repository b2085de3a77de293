"""Write the rows of a manifest: the artifact, its links, references, tags and their history.

Whoever calls holds the locks: `push.py`, `delete.py`, `restore.py`.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, exists, insert, select, update

from moorage.artifacts import kinds
from moorage.artifacts.immutable_rules import require_mutable
from moorage.db.hand_written_sql import Call, call, each, moment, one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.oci.digest import Digest
from moorage.oci.manifest import Manifest as Parsed
from moorage.oci.versions import order_key
from moorage.repositories.creation import Target, count_artifacts
from moorage.repositories.tables import Artifact, ArtifactReference, Tag, TagHistory

_NEW_COLUMNS = """repository_id, digest, pushed_by, pushed_at, media_type, artifact_type, config_media_type,
    config_digest, subject_digest, size_bytes, manifest_bytes, annotations, accessory, tagged,
    kind, accessory_kind"""
_NEW_ROW = f"""INSERT INTO artifact ({_NEW_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (repository_id, digest) DO NOTHING RETURNING id"""  # noqa: S608 - put together from constants
SIZE, ACCESSORY = 5, 8
"""Where `size_bytes` and `accessory` stand among what `read_columns` returns."""
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
LOCK_ALL = Query(
    "",
    postgresql="""SELECT id FROM artifact
WHERE repository_id = $1 AND digest = ANY($2::bytea[]) OR id = ANY($3::bigint[])
ORDER BY id FOR NO KEY UPDATE""",
)
_REVIVE = update(Artifact).where(Artifact.id == bindparam("artifact")).values(trash_id=None, tagged=False, child=False)
# An index that comes back without some of its children, where that is allowed: those may be purged.
_CUT_OFF = (
    update(ArtifactReference)
    .where(
        ArtifactReference.parent_id == bindparam("artifact"),
        ArtifactReference.child_id.in_(select(Artifact.id).where(Artifact.trash_id.is_not(None))),
    )
    .values(child_id=None)
)
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


class Recorded(NamedTuple):
    """An artifact that is there now. `listed`: by how much the default list grew by it; `back`: it was in the trash."""

    id: int
    new: bool
    listed: int
    back: bool = False


class Told(NamedTuple):
    """What is recorded. `sparse`: children may be missing."""

    digest: Digest
    parsed: Parsed
    tags: Sequence[str]
    sparse: bool


class Held(NamedTuple):
    """Where a locked tag points."""

    artifact_id: int
    history_id: int


class Place(NamedTuple):
    """Where an artifact is to be. `losers`: its children and those that its tags point to now; locked with it."""

    repository_id: int
    digest: Digest
    losers: list[int]


class Child(NamedTuple):
    """An artifact that an index names."""

    id: int
    size_bytes: int


class Around(NamedTuple):
    """What is there already: where locked tags point, and the children."""

    held: dict[str, Held]
    children: dict[bytes, Child]


def write(work: Work, target: Target, recorded: Recorded, told: Told, around: Around) -> tuple[int, int, list[Call]]:
    """Write an artifact's references and point its tags at it.

    Returns by how much the default list grew, and the number of tags, and what is left to run.

    Raises:
        TagImmutable: a rule keeps a tag that points to another artifact where it is.
    """
    held, children = around
    artifact, new, listed, _ = recorded
    names = sorted(set(told.tags))
    if new and told.parsed.children:
        work.db.execute(_REFERENCE, _reference_rows(artifact, told.parsed, children))
    elif told.sparse and children:
        _link_late(work, artifact, children)
    if new and not names and _adopt(work, target.repository_id, artifact, told.digest):
        listed = 0
    # What points there already is left alone, history and all.
    moved = [name for name in names if name not in held or held[name].artifact_id != artifact]
    if target.immutable_rules:
        require_mutable(work, target.project_id, target.path, [name for name in moved if name in held])
    calls = [step for name in moved for step in _pointing(work, target.repository_id, name, artifact, told.digest)]
    lost = [held[name] for name in moved if name in held]
    if lost or children or (names and not new):
        each(work, calls)
        calls = []
        for before in lost:
            close_history(work, before.history_id, "moved", None)
            listed -= untag(work, before.artifact_id)
        if names and not new:
            row = work.db.execute(_SET_TAGGED, {"artifact": artifact}).first()
            listed += 1 if row is not None and row.child and not row.accessory else 0
        if children:
            # Counted from what the update returns: another index may have marked them since they were read.
            marked = work.db.execute(_MARK_CHILDREN, {"children": [row.id for row in children.values()]}).all()
            listed -= sum(1 for row in marked if not (row.tagged or row.accessory))
    return listed, len(moved) - len(lost), calls


def read_columns(parsed: Parsed, raw: bytes, children: dict[bytes, Child], tags: Sequence[str]) -> tuple[object, ...]:
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


def insert_artifact(
    work: Work, place: Place, columns: tuple[object, ...], raw: bytes, blobs: Sequence[int]
) -> int | None:
    """A new artifact with its bytes and links; None when there is one, in the trash or not."""
    repository, digest, _ = place
    values = (repository, digest.binary, work.actor.principal_id, moment(work, work.now), *columns)
    on_sqlite = work.db.dialect.name == "sqlite"
    made = one(work, _NEW_ARTIFACT, *values) if on_sqlite else one(work, _NEW_ARTIFACT, *values, raw, list(blobs))
    if made is None:
        return None
    artifact: int = made[0]
    if on_sqlite:
        links = (call(_NEW_LINKS, repository, artifact, json.dumps(list(blobs))),) if blobs else ()
        each(work, (call(_NEW_BYTES, artifact, raw), *links))
    return artifact


def find_artifact(work: Work, repository: int, digest: bytes, *, accessory: bool) -> Recorded:
    """The artifact that is there already; one in the trash comes back, without its old tags."""
    old = work.db.execute(_OLD_ARTIFACT, {"repository": repository, "digest": digest}).one()
    if old.trash_id is None:
        return Recorded(old.id, False, 0)
    work.db.execute(_REVIVE, {"artifact": old.id})
    work.db.execute(_CUT_OFF, {"artifact": old.id})
    is_child = bool(work.db.execute(_IS_CHILD, {"artifact": old.id}).scalar())
    if is_child:
        work.db.execute(_SET_CHILD, {"artifact": old.id, "is_child": True})
    return Recorded(old.id, False, 0 if accessory or is_child else 1, back=True)


def lock_loser(work: Work, artifact: int) -> None:
    """Lock an artifact that loses a tag, before the tag goes, and before `untag`."""
    each(work, (call(_LOSER, artifact),))


def _reference_rows(artifact: int, parsed: Parsed, children: dict[bytes, Child]) -> list[dict[str, object]]:
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
                "urls": list(entry.urls) or None,
            }
        )  # fmt: skip
    return rows


def _link_late(work: Work, parent: int, children: dict[bytes, Child]) -> None:
    """Link the children of an index that came after it."""
    work.db.execute(
        _LINK_LATE, [{"parent": parent, "digest": digest, "child": row.id} for digest, row in children.items()]
    )


def _adopt(work: Work, repository: int, artifact: int, digest: Digest) -> bool:
    """Link a new, untagged artifact to indexes that came without it; whether there is one. Then it is not listed."""
    values = {"repository": repository, "child": artifact, "digest": digest.binary}
    if not work.db.execute(_ADOPT, values).rowcount:
        return False
    work.db.execute(_SET_CHILD, {"artifact": artifact, "is_child": True})
    return True


def _pointing(work: Work, repository: int, name: str, artifact: int, digest: Digest) -> tuple[Call, Call]:
    """Point a tag at an artifact, with a new row in its history."""
    values = (repository, name, digest.binary, moment(work, work.now), work.actor.principal_id)
    if work.db.dialect.name == "sqlite":
        return call(_POINT, *values), call(_POINT_TAG, *values, artifact, order_key(name))
    return call(_POINT, *values, artifact, order_key(name)), call(_POINT_TAG)


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

"""The levels of collection: links, charges, blobs, bytes, tombstones (docs/develop/lossless.md, "Collection").

Each function is one transaction over one batch of one level: lock, then look, then act. What is looked at was marked
by whoever let go of it, so the cost follows the garbage and not the stock, and a run that was stopped or killed goes
on where the marks are. Two runs at once share the work: a locked row is passed over.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Float, and_, bindparam, delete, exists, or_, select, text, tuple_, update

from moorage import faults
from moorage.artifacts.tables import ArtifactBlob, Blob, ProjectBlob, RepositoryBlob, Upload
from moorage.db.base import db_now
from moorage.db.work import Work
from moorage.quotas import service as quotas

BATCH = 500
"""How many rows of a level a transaction takes: some 20 ms of SQLite's only writer."""

TOMBSTONE_SECONDS = 30 * 86_400
"""How long the row of deleted bytes is kept: no process is frozen for longer between reading a key and deleting it."""

_seconds = bindparam("seconds", type_=Float)
_limit: Any = bindparam("limit")
_pairs: Any = bindparam("pairs", expanding=True)
_ids: Any = bindparam("ids", expanding=True)
# The clock is a value of its own: PostgreSQL searches no index by a function that changes from row to row.
_NOW = select(db_now())
_AGO = select(db_now(_seconds))


class Batch(NamedTuple):
    """What a transaction did: how many rows it looked at (fewer than the batch: the level is done), how many went."""

    looked: int
    gone: int


# -- links --------------------------------------------------------------------------------------------------

_LINK = tuple_(RepositoryBlob.repository_id, RepositoryBlob.blob_id)
_SPENT_LINKS = (
    select(RepositoryBlob.repository_id, RepositoryBlob.blob_id, RepositoryBlob.project_id)
    .where(RepositoryBlob.lease_until < bindparam("now", type_=RepositoryBlob.lease_until.type))
    .order_by(RepositoryBlob.lease_until)
    .limit(_limit)
    .with_for_update(skip_locked=True)
)
_USED_LINKS = (
    select(ArtifactBlob.repository_id, ArtifactBlob.blob_id)
    .where(tuple_(ArtifactBlob.repository_id, ArtifactBlob.blob_id).in_(_pairs))
    .distinct()
)
_HOLD_LINKS = update(RepositoryBlob).where(_LINK.in_(_pairs)).values(lease_until=None)
_DROP_LINKS = delete(RepositoryBlob).where(_LINK.in_(_pairs))
_CHARGE = tuple_(ProjectBlob.project_id, ProjectBlob.blob_id)
# Two runs may mark the same charges: in one order, and without meeting those who share them.
_LOCK_CHARGES = (
    select(ProjectBlob.blob_id)
    .where(_CHARGE.in_(_pairs))
    .order_by(ProjectBlob.project_id, ProjectBlob.blob_id)
    .with_for_update(key_share=True)
)
_MARK_CHARGES = update(ProjectBlob).where(_CHARGE.in_(_pairs)).values(idle_since=db_now())


def collect_links(work: Work, limit: int = BATCH) -> Batch:
    """G1: links whose lease is over. One that an artifact uses is held by it from now on; any other goes.

    The lease is looked at again under the lock: a HEAD may just have renewed it.
    """
    now = work.db.execute(_NOW).scalar_one()
    rows = work.db.execute(_SPENT_LINKS, {"now": now, "limit": limit}).all()
    if not rows:
        return Batch(0, 0)
    links = {(row.repository_id, row.blob_id): row.project_id for row in rows}
    used = {tuple(row) for row in work.db.execute(_USED_LINKS, {"pairs": list(links)})}
    if used:
        work.db.execute(_HOLD_LINKS, {"pairs": list(used)})
    spent = [link for link in links if link not in used]
    if spent:
        faults.point("collect.looked")
        work.db.execute(_DROP_LINKS, {"pairs": spent})
        charges = {"pairs": sorted({(links[link], link[1]) for link in spent})}
        work.db.execute(_LOCK_CHARGES, charges).all()
        work.db.execute(_MARK_CHARGES, charges)
    faults.point("collect.links")
    return Batch(len(rows), len(spent))


# -- charges ------------------------------------------------------------------------------------------------

_IDLE_CHARGES = (
    select(ProjectBlob.project_id, ProjectBlob.blob_id, ProjectBlob.size_bytes, ProjectBlob.holding)
    .where(ProjectBlob.idle_since.is_not(None))
    .order_by(ProjectBlob.idle_since)
    .limit(_limit)
    .with_for_update(skip_locked=True)
)
_LINKED = (
    select(RepositoryBlob.project_id, RepositoryBlob.blob_id)
    .where(tuple_(RepositoryBlob.project_id, RepositoryBlob.blob_id).in_(_pairs))
    .distinct()
)
_HOLD_CHARGES = update(ProjectBlob).where(_CHARGE.in_(_pairs)).values(idle_since=None)
_DROP_CHARGES = delete(ProjectBlob).where(_CHARGE.in_(_pairs))
_LOCK_BLOBS = select(Blob.id).where(Blob.id.in_(_ids)).order_by(Blob.id).with_for_update(key_share=True)
_MARK_BLOBS = update(Blob).where(Blob.id.in_(_ids)).values(idle_since=db_now())


def collect_charges(work: Work, limit: int = BATCH) -> Batch:
    """G2: charges that lost a link. One that has any stays; any other goes, and is given back unless a purge did."""
    rows = work.db.execute(_IDLE_CHARGES, {"limit": limit}).all()
    if not rows:
        return Batch(0, 0)
    sizes = {(row.project_id, row.blob_id): row.size_bytes if row.holding != "released" else 0 for row in rows}
    linked = {tuple(row) for row in work.db.execute(_LINKED, {"pairs": list(sizes)})}
    if linked:
        work.db.execute(_HOLD_CHARGES, {"pairs": list(linked)})
    spent = [charge for charge in sizes if charge not in linked]
    if spent:
        work.db.execute(_DROP_CHARGES, {"pairs": spent})
        blobs = {"ids": sorted({blob for _, blob in spent})}
        work.db.execute(_LOCK_BLOBS, blobs).all()
        work.db.execute(_MARK_BLOBS, blobs)
        owed: Counter[int] = Counter()
        for charge in spent:
            owed[charge[0]] += sizes[charge]
        for project in sorted(owed):
            quotas.refund(work, project, owed[project])
    faults.point("collect.charges")
    return Batch(len(rows), len(spent))


# -- blobs --------------------------------------------------------------------------------------------------

_IDLE_BLOBS = (
    select(Blob.id)
    .where(Blob.idle_since.is_not(None))
    .order_by(Blob.idle_since)
    .limit(_limit)
    .with_for_update(skip_locked=True)
)
_CHARGED = select(ProjectBlob.blob_id).where(ProjectBlob.blob_id.in_(_ids)).distinct()
_HOLD_BLOBS = update(Blob).where(Blob.id.in_(_ids)).values(idle_since=None)
_DOOM = update(Blob).where(Blob.id.in_(_ids)).values(state="doomed", live=None, idle_since=None, changed_at=db_now())


def collect_blobs(work: Work, limit: int = BATCH) -> Batch:
    """G3: blobs that lost a charge. One that any project still pays for stays; any other is doomed.

    From here on nobody finds it: who pushes the same digest gets a new row with a new key.
    """
    ids = list(work.db.execute(_IDLE_BLOBS, {"limit": limit}).scalars())
    if not ids:
        return Batch(0, 0)
    charged = set(work.db.execute(_CHARGED, {"ids": ids}).scalars())
    if charged:
        work.db.execute(_HOLD_BLOBS, {"ids": sorted(charged)})
    spent = [one for one in ids if one not in charged]
    if spent:
        work.db.execute(_DOOM, {"ids": spent})
    faults.point("collect.blobs")
    return Batch(len(ids), len(spent))


# -- bytes --------------------------------------------------------------------------------------------------


class Doomed(NamedTuple):
    """Bytes to delete. `changed_at` and `id` are the place in the order."""

    changed_at: datetime
    id: int
    key: str
    size_bytes: int


_CHANGED = Blob.changed_at.type
_AFTER = or_(
    Blob.changed_at > bindparam("at", type_=_CHANGED),
    and_(Blob.changed_at == bindparam("at", type_=_CHANGED), Blob.id > bindparam("after")),
)
_IN_STATE = (
    select(Blob.changed_at, Blob.id, Blob.key, Blob.size_bytes)
    .where(
        text("blob.state <> 'live'"),  # the condition of the index, in its own words
        Blob.state == bindparam("state"),
        Blob.changed_at < bindparam("before", type_=_CHANGED),
    )
    .order_by(Blob.changed_at, Blob.id)
    .limit(_limit)
)
_IN_STATE_AFTER = _IN_STATE.where(Blob.changed_at >= bindparam("at", type_=_CHANGED), _AFTER)
_GONE = update(Blob).where(Blob.id.in_(_ids), Blob.state == "doomed").values(state="gone", changed_at=db_now())
_FORGET = delete(Blob).where(Blob.id.in_(_ids), Blob.state == "gone", ~exists().where(Upload.blob_id == Blob.id))


def find_doomed(work: Work, older_seconds: float, after: Doomed | None, limit: int = BATCH) -> list[Doomed]:
    """G4: the next bytes to delete, doomed at least `older_seconds` ago: signed URLs that show them have run out.

    Nothing is locked, and a key is never wanted back: deleting it late, or twice, harms nobody.
    """
    return _find(work, "doomed", older_seconds, after, limit)


def find_tombstones(work: Work, older_seconds: float, after: Doomed | None, limit: int = BATCH) -> list[Doomed]:
    """G5: the next rows of bytes that were deleted at least `older_seconds` ago.

    Their keys are deleted once more before the rows go: whoever was frozen with the file open may have written it.
    """
    return _find(work, "gone", older_seconds, after, limit)


def _find(work: Work, state: str, older_seconds: float, after: Doomed | None, limit: int) -> list[Doomed]:
    values: dict[str, object] = {
        "before": work.db.execute(_AGO, {"seconds": -float(older_seconds)}).scalar_one(),
        "state": state,
        "limit": limit,
    }
    if after is None:
        return [Doomed(*row) for row in work.db.execute(_IN_STATE, values)]
    values |= {"at": after.changed_at, "after": after.id}
    return [Doomed(*row) for row in work.db.execute(_IN_STATE_AFTER, values)]


def note_gone(work: Work, ids: Sequence[int]) -> None:
    """G4: note that bytes were deleted. Their rows stay as tombstones, so that no key is given out again."""
    work.db.execute(_GONE, {"ids": list(ids)})
    faults.point("collect.gone")


def forget(work: Work, ids: Sequence[int]) -> None:
    """G5: remove tombstones whose keys were deleted once more."""
    work.db.execute(_FORGET, {"ids": list(ids)})

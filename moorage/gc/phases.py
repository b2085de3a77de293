"""The phases of collection: links, charges, blobs, bytes, tombstones (docs/develop/lossless.md, "Collection").

Each function is one transaction over one batch of one level: lock, then look, then act. What is looked at was marked
by whoever let go of it, so the cost follows the garbage and not the stock, and a run that was stopped or killed goes
on where the marks are. Two runs at once share the work: a locked row is passed over.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Float, and_, bindparam, or_, select, text

from moorage import failpoints
from moorage.db.base import db_now
from moorage.db.hand_written_sql import Call, call, each
from moorage.db.statements import Query, Row
from moorage.db.unit_of_work import Work
from moorage.quotas import service as quotas
from moorage.repositories.tables import Blob

BATCH = 500
"""How many rows of a level a transaction takes: some 20 ms of SQLite's only writer."""

TOMBSTONE_SECONDS = 30 * 86_400
"""How long the row of deleted bytes is kept: no process is frozen for longer between reading a key and deleting it."""


class Batch(NamedTuple):
    """What a transaction did: how many rows it looked at (fewer than the batch: the level is done), how many went."""

    looked: int
    gone: int


# -- statements about many rows -----------------------------------------------------------------------------

# Keys are one argument, or two arrays, so that a statement has one text and one plan whatever their number. To look for
# 500 of 100,000 rows PostgreSQL would sooner read all of them, with each batch anew.
_BY_INDEX = Query(
    "",
    postgresql="SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)",
)
Pair = tuple[int, int]


def _about(statement: str) -> Query:
    """A statement about rows: `{pairs}` or `{ids}` follows columns; `{{now}}` and `{{lock:...}}` as in `Query`."""
    lite = statement.format(
        pairs="IN (SELECT value ->> 0, value ->> 1 FROM json_each($1))", ids="IN (SELECT value FROM json_each($1))"
    )
    postgresql = statement.format(
        pairs="IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))", ids="= ANY ($1::bigint[])"
    )
    return Query("", sqlite=lite, postgresql=postgresql)


def _pairs(work: Work, query: Query, pairs: Iterable[Pair]) -> Call:
    listed = list(pairs)
    if work.db.dialect.name == "sqlite":
        return call(query, msgspec.json.encode(listed).decode())
    return call(query, [one for one, _ in listed], [one for _, one in listed])


def _ids(work: Work, query: Query, ids: Sequence[int]) -> Call:
    return call(query, msgspec.json.encode(ids).decode() if work.db.dialect.name == "sqlite" else list(ids))


def _ask(work: Work, one: Call) -> list[Row]:
    return each(work, (one,))[0]


def _take(work: Work, query: Query, limit: int) -> list[Row]:
    """Lock the next marked rows; what is asked about them in this transaction finds them by their keys."""
    return each(work, (call(_BY_INDEX), call(query, limit)))[1]


# -- links --------------------------------------------------------------------------------------------------

# The clock is a subquery: PostgreSQL searches no index by a function that changes from row to row.
_SPENT_LINKS = Query(
    """SELECT repository_id, blob_id, project_id FROM repository_blob WHERE lease_until < (SELECT {now})
ORDER BY lease_until LIMIT $1 {lock:FOR UPDATE SKIP LOCKED}"""
)
_USED_LINKS = _about("SELECT DISTINCT repository_id, blob_id FROM artifact_blob WHERE (repository_id, blob_id) {pairs}")
_HOLD_LINKS = _about("UPDATE repository_blob SET lease_until = NULL WHERE (repository_id, blob_id) {pairs}")
_DROP_LINKS = _about("DELETE FROM repository_blob WHERE (repository_id, blob_id) {pairs}")
# Two runs may mark the same charges: in one order, and without meeting those who share them.
_LOCK_CHARGES = _about("""SELECT blob_id FROM project_blob WHERE (project_id, blob_id) {pairs}
ORDER BY project_id, blob_id {{lock:FOR NO KEY UPDATE}}""")
_MARK_CHARGES = _about("UPDATE project_blob SET idle_since = {{now}} WHERE (project_id, blob_id) {pairs}")


def collect_links(work: Work, limit: int = BATCH) -> Batch:
    """G1: links whose lease is over. One that an artifact uses is held by it from now on; any other goes.

    The lease is looked at again under the lock: a HEAD may just have renewed it.
    """
    links = {(row[0], row[1]): row[2] for row in _take(work, _SPENT_LINKS, limit)}
    if not links:
        return Batch(0, 0)
    used = {(row[0], row[1]) for row in _ask(work, _pairs(work, _USED_LINKS, links))}
    if used:
        _ask(work, _pairs(work, _HOLD_LINKS, used))
    spent = [link for link in links if link not in used]
    if spent:
        failpoints.point("collect.looked")
        charges = sorted({(links[link], link[1]) for link in spent})
        lock, mark = _pairs(work, _LOCK_CHARGES, charges), _pairs(work, _MARK_CHARGES, charges)
        each(work, (_pairs(work, _DROP_LINKS, spent), lock, mark))
    failpoints.point("collect.links")
    return Batch(len(links), len(spent))


# -- charges ------------------------------------------------------------------------------------------------

_IDLE_CHARGES = Query(
    """SELECT project_id, blob_id, size_bytes, holding FROM project_blob WHERE idle_since IS NOT NULL
ORDER BY idle_since LIMIT $1 {lock:FOR UPDATE SKIP LOCKED}"""
)
_LINKED = _about("SELECT DISTINCT project_id, blob_id FROM repository_blob WHERE (project_id, blob_id) {pairs}")
_HOLD_CHARGES = _about("UPDATE project_blob SET idle_since = NULL WHERE (project_id, blob_id) {pairs}")
_DROP_CHARGES = _about("DELETE FROM project_blob WHERE (project_id, blob_id) {pairs}")
_LOCK_BLOBS = _about("SELECT id FROM blob WHERE id {ids} ORDER BY id {{lock:FOR NO KEY UPDATE}}")
_MARK_BLOBS = _about("UPDATE blob SET idle_since = {{now}} WHERE id {ids}")


def collect_charges(work: Work, limit: int = BATCH) -> Batch:
    """G2: charges that lost a link. One that has any stays; any other goes, and is given back unless a purge did."""
    rows = _take(work, _IDLE_CHARGES, limit)
    if not rows:
        return Batch(0, 0)
    sizes = {(row[0], row[1]): row[2] if row[3] != "released" else 0 for row in rows}
    linked = {(row[0], row[1]) for row in _ask(work, _pairs(work, _LINKED, sizes))}
    if linked:
        _ask(work, _pairs(work, _HOLD_CHARGES, linked))
    spent = [charge for charge in sizes if charge not in linked]
    if spent:
        blobs = sorted({blob for _, blob in spent})
        lock, mark = _ids(work, _LOCK_BLOBS, blobs), _ids(work, _MARK_BLOBS, blobs)
        each(work, (_pairs(work, _DROP_CHARGES, spent), lock, mark))
        owed: Counter[int] = Counter()
        for charge in spent:
            owed[charge[0]] += sizes[charge]
        for project in sorted(owed):
            quotas.refund(work, project, owed[project])
    failpoints.point("collect.charges")
    return Batch(len(rows), len(spent))


# -- blobs --------------------------------------------------------------------------------------------------

_IDLE_BLOBS = Query(
    """SELECT id FROM blob WHERE idle_since IS NOT NULL ORDER BY idle_since LIMIT $1 {lock:FOR UPDATE SKIP LOCKED}"""
)
_CHARGED = _about("SELECT DISTINCT blob_id FROM project_blob WHERE blob_id {ids}")
_HOLD_BLOBS = _about("UPDATE blob SET idle_since = NULL WHERE id {ids}")
_DOOM = _about("UPDATE blob SET state = 'doomed', live = NULL, idle_since = NULL, changed_at = {{now}} WHERE id {ids}")


def collect_blobs(work: Work, limit: int = BATCH) -> Batch:
    """G3: blobs that lost a charge. One that any project still pays for stays; any other is doomed.

    From here on nobody finds it: who pushes the same digest gets a new row with a new key.
    """
    ids = [row[0] for row in _take(work, _IDLE_BLOBS, limit)]
    if not ids:
        return Batch(0, 0)
    charged = {row[0] for row in _ask(work, _ids(work, _CHARGED, ids))}
    if charged:
        _ask(work, _ids(work, _HOLD_BLOBS, sorted(charged)))
    spent = [one for one in ids if one not in charged]
    if spent:
        _ask(work, _ids(work, _DOOM, spent))
    failpoints.point("collect.blobs")
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
    .limit(bindparam("limit"))
)
_IN_STATE_AFTER = _IN_STATE.where(Blob.changed_at >= bindparam("at", type_=_CHANGED), _AFTER)
_AGO = select(db_now(bindparam("seconds", type_=Float)))
# The states are no bare columns: PostgreSQL, whose statistics know of no doomed rows, would look through all of them.
_GONE = _about("UPDATE blob SET state = 'gone', changed_at = {{now}} WHERE id {ids} AND state || '' = 'doomed'")
_FORGET = _about("""DELETE FROM blob WHERE id {ids} AND state || '' = 'gone'
AND NOT EXISTS (SELECT 1 FROM upload u WHERE u.blob_id = blob.id)""")


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
    each(work, (call(_BY_INDEX), _ids(work, _GONE, ids)))
    failpoints.point("collect.gone")


def forget(work: Work, ids: Sequence[int]) -> None:
    """G5: remove tombstones whose keys were deleted once more."""
    each(work, (call(_BY_INDEX), _ids(work, _FORGET, ids)))

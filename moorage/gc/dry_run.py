"""Compute what a garbage collection run would delete, without deleting."""

from typing import NamedTuple

from sqlalchemy import Float, bindparam, func, or_, select, text

from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.oci.digest import Digest
from moorage.projects.tables import Trash
from moorage.repositories.tables import Blob, Upload

# A link stays while its lease lasts, or an artifact (in the trash or not) needs it.
_STAYS = """(l.lease_until IS NULL OR l.lease_until >= :now OR EXISTS (
    SELECT 1 FROM artifact_blob u WHERE u.repository_id = l.repository_id AND u.blob_id = l.blob_id))"""
_GOING = f"""WITH spent AS (
    SELECT l.project_id, l.blob_id FROM repository_blob l WHERE l.lease_until < :now AND NOT {_STAYS}),
charge AS (
    SELECT c.project_id, c.blob_id FROM (
        SELECT project_id, blob_id FROM spent
        UNION SELECT project_id, blob_id FROM project_blob WHERE idle_since IS NOT NULL) c
    WHERE NOT EXISTS (SELECT 1 FROM repository_blob l
        WHERE l.project_id = c.project_id AND l.blob_id = c.blob_id AND {_STAYS})),
going AS (
    SELECT b.id, b.digest, b.size_bytes FROM (
        SELECT blob_id FROM charge UNION SELECT id FROM blob WHERE idle_since IS NOT NULL) i
    JOIN blob b ON b.id = i.blob_id
    WHERE NOT EXISTS (SELECT 1 FROM project_blob c JOIN repository_blob l
        ON l.project_id = c.project_id AND l.blob_id = c.blob_id WHERE c.blob_id = b.id AND {_STAYS}))"""  # noqa: S608 - put together from constants
_now = bindparam("now", type_=Blob.changed_at.type)
_TOTALS = text(
    f"""{_GOING}
SELECT (SELECT count(*) FROM spent), (SELECT count(*) FROM charge), count(*), coalesce(sum(size_bytes), 0)
FROM going"""  # noqa: S608 - put together from constants
).bindparams(_now)
_FIRST = text(f"{_GOING}\nSELECT digest, size_bytes FROM going ORDER BY size_bytes DESC, id LIMIT :limit").bindparams(
    _now
)
_DOOMED = text("SELECT count(*), coalesce(sum(size_bytes), 0) FROM blob WHERE state <> 'live' AND state = 'doomed'")
_ACTS = select(func.count()).select_from(Trash).where(Trash.purge_at <= _now)
_ARTIFACTS = text(
    """SELECT count(*) FROM (
    SELECT a.id FROM trash t JOIN artifact a ON a.trash_id = t.id WHERE t.purge_at <= :now
    UNION SELECT a.id FROM trash t JOIN artifact a ON a.repository_id = t.repository_id
    WHERE t.purge_at <= :now AND t.kind = 'repository'
    UNION SELECT a.id FROM trash t JOIN repository r ON r.project_id = t.project_id
    JOIN artifact a ON a.repository_id = r.id WHERE t.purge_at <= :now AND t.kind = 'project') gone"""
).bindparams(_now)
_UPLOADS = (
    select(func.count())
    .select_from(Upload)
    .where(Upload.expires_at < _now, or_(Upload.claim.is_(None), Upload.claim_until < _now))
)
_AGO = select(db_now(bindparam("seconds", type_=Float)))


class Forecast(NamedTuple):
    """Counts and bytes that a run would delete now.

    Attributes:
        acts, artifacts: deletions whose time is over, and what is in them. What they held is released for a lease, and
            goes with a later run.
        uploads, links, charges, blobs: as `collector.Run.gone`.
        size_bytes: of these blobs.
        doomed, doomed_bytes: what an earlier run let go of, and is still in the storage.
        largest: the largest of the blobs, the largest first: digest and size in bytes.
    """

    acts: int
    artifacts: int
    uploads: int
    links: int
    charges: int
    blobs: int
    size_bytes: int
    doomed: int
    doomed_bytes: int
    largest: list[tuple[str, int]]


def forecast(work: Work, *, largest: int = 100) -> Forecast:
    """What a run that began now would delete, exactly, if nobody did anything meanwhile. Six statements.

    Args:
        largest: of how many blobs it says the digests.
    """
    now = work.db.execute(_AGO, {"seconds": 0.0}).scalar_one()
    links, charges, blobs, size = work.db.execute(_TOTALS, {"now": now}).one()
    doomed = work.db.execute(_DOOMED).one()
    rows = work.db.execute(_FIRST, {"now": now, "limit": largest}).all() if blobs else []
    found = [(str(Digest.from_binary(bytes(digest))), int(each)) for digest, each in rows]
    acts = work.db.execute(_ACTS, {"now": now}).scalar_one()
    artifacts = work.db.execute(_ARTIFACTS, {"now": now}).scalar_one()
    uploads = work.db.execute(_UPLOADS, {"now": now}).scalar_one()
    return Forecast(acts, artifacts, uploads, links, charges, blobs, int(size), doomed[0], int(doomed[1]), found)

"""What a run would bring back now, and what still holds the rest: the first question of whoever wants room."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, text

from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.gc.dry_run import forecast
from moorage.projects.tables import Trash
from moorage.quotas.tables import Quota
from moorage.repositories.tables import Blob, Upload

# A lease alone holds it: no artifact of any repository needs it, in the trash or not.
_LEASED = text("""SELECT count(*), coalesce(sum(b.size_bytes), 0) FROM blob b
WHERE b.id IN (SELECT l.blob_id FROM repository_blob l WHERE l.lease_until >= :now)
AND NOT EXISTS (SELECT 1 FROM project_blob c
    JOIN repository_blob l ON l.project_id = c.project_id AND l.blob_id = c.blob_id
    JOIN artifact_blob u ON u.repository_id = l.repository_id AND u.blob_id = l.blob_id
    WHERE c.blob_id = b.id)""").bindparams(bindparam("now", type_=Blob.changed_at.type))
_TRASH = select(func.count(), func.min(Trash.purge_at)).select_from(Trash).where(Trash.purge_at > bindparam("now"))
_UPLOADS = (
    select(func.count(), func.coalesce(func.sum(Upload.offset_bytes), 0))
    .select_from(Upload)
    .where(Upload.expires_at >= bindparam("now"))
)


class Reclaimable(NamedTuple):
    """Bytes in the storage, each once; those of the trash once for each project that holds them.

    Attributes:
        blobs, size_bytes: what a run that began now would delete.
        trash, trash_bytes: deletions that can still be taken back, and what only they hold.
        trash_until: when the first of these is over; None: there is none.
        leased, leased_bytes: blobs that nothing needs, kept for a client that may be about to name them.
        uploads, upload_bytes: that are open, and what of them has come.
    """

    blobs: int
    size_bytes: int
    trash: int
    trash_bytes: int
    trash_until: datetime | None
    leased: int
    leased_bytes: int
    uploads: int
    upload_bytes: int


def find_reclaimable(work: Work) -> Reclaimable:
    """What it is now. Nine statements.

    Raises:
        Unavailable: there is too much to count it in time.
    """
    expected = forecast(work, largest=0)
    now = work.db.execute(select(db_now())).scalar_one()
    at = {"now": now}
    trash, until = work.db.execute(_TRASH, at).one()
    leased, leased_bytes = work.db.execute(_LEASED, at).one()
    uploads, upload_bytes = work.db.execute(_UPLOADS, at).one()
    held = work.db.execute(select(func.coalesce(func.sum(Quota.trash_bytes), 0))).scalar_one()
    return Reclaimable(
        expected.blobs + expected.doomed, expected.size_bytes + expected.doomed_bytes, trash, int(held), until,
        leased, int(leased_bytes), uploads, int(upload_bytes),
    )  # fmt: skip

"""Link a live blob to a repository and charge its project."""

from sqlalchemy import bindparam, select

from moorage.blobs import charge_states
from moorage.db.hand_written_sql import one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.quotas import service as quotas
from moorage.repositories.creation import Target
from moorage.repositories.tables import ProjectBlob

_CHARGE = Query(
    """INSERT INTO project_blob (project_id, blob_id, live, size_bytes) VALUES ($1, $2, true, $3)
ON CONFLICT (project_id, blob_id) DO NOTHING RETURNING blob_id"""
)
_HOLD_CHARGE = (
    select(ProjectBlob.blob_id)
    .where(ProjectBlob.project_id == bindparam("project"), ProjectBlob.blob_id == bindparam("blob"))
    .with_for_update(read=True, key_share=True)
)
# A link that an artifact holds (no lease) is left alone.
_LINK_UP = Query(
    """INSERT INTO repository_blob (repository_id, blob_id, project_id, lease_until, hidden)
VALUES ($1, $2, $3, {later:$4}, false)
ON CONFLICT (repository_id, blob_id) DO UPDATE SET lease_until = excluded.lease_until, hidden = false
WHERE repository_blob.lease_until IS NOT NULL OR repository_blob.hidden"""
)


def join_blob(work: Work, target: Target, blob_id: int, size_bytes: int, *, reserved: int, lease_seconds: int) -> None:
    """Charge the project for a live, share-locked blob unless it is already, and link it to the repository.

    Raises:
        QuotaExceeded: the project has no room for what is new to it beyond the reservation.
    """
    owed = link_blob(work, target, blob_id, size_bytes, lease_seconds=lease_seconds) - reserved
    if owed > 0:
        quotas.charge(work, target.project_id, owed)
    elif owed < 0:
        quotas.refund(work, target.project_id, -owed)


def link_blob(work: Work, target: Target, blob_id: int, size_bytes: int, *, lease_seconds: int) -> int:
    """Link a live, share-locked blob to a repository; the bytes that the project now owes, which the caller charges."""
    # RETURNING says who inserted.
    new = one(work, _CHARGE, target.project_id, blob_id, size_bytes) is not None
    if not new:
        work.db.execute(_HOLD_CHARGE, {"project": target.project_id, "blob": blob_id})
    one(work, _LINK_UP, target.repository_id, blob_id, target.project_id, float(lease_seconds))
    # After the link: whoever releases a charge locks the links of it first.
    return size_bytes if new else charge_states.repay(work, target.project_id, blob_id, size_bytes)

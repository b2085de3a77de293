"""Blobs whose stored bytes are lost or corrupt, and may be pushed again without a charge.

Healing is docs/develop/lossless.md, "Healing"; what is lent for it is there, too.
"""

from sqlalchemy import bindparam, delete, exists, func, insert, select

from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.repositories.lookup import Stored
from moorage.repositories.tables import Blob, DamagedBlob, ProjectBlob, Upload

_NOTED = select(exists().where(DamagedBlob.blob_id == bindparam("blob")))
_NOTE = insert(DamagedBlob).from_select(
    ["blob_id", "noticed_at"],
    select(Blob.id, db_now()).where(
        Blob.id == bindparam("blob"), Blob.key == bindparam("at"), Blob.state == "live"
    ),
)  # fmt: skip
_FORGET = delete(DamagedBlob).where(DamagedBlob.blob_id == bindparam("blob"))
_IN_PROJECT = (
    select(ProjectBlob.size_bytes)
    .join(DamagedBlob, DamagedBlob.blob_id == ProjectBlob.blob_id)
    .where(ProjectBlob.project_id == bindparam("project"))
)
_LENT = select(func.coalesce(func.sum(Upload.lent_bytes), 0)).where(
    Upload.project_id == bindparam("project"), ~Upload.dead
)


def note_damage(work: Work, blob: Stored) -> None:
    """Note that the bytes of a live blob are lost or wrong; not where it was healed since. Safe to repeat."""
    if not work.db.execute(_NOTED, {"blob": blob.blob_id}).scalar():
        work.db.execute(_NOTE, {"blob": blob.blob_id, "at": blob.key})


def forget_damage(work: Work, blob_id: int) -> None:
    """Note that the bytes of a blob are right again."""
    work.db.execute(_FORGET, {"blob": blob_id})


def has_damage(work: Work, project_id: int) -> bool:
    """Whether a project is charged for a damaged blob."""
    return work.db.execute(_IN_PROJECT.limit(1), {"project": project_id}).first() is not None


def may_borrow(work: Work, project_id: int, size_bytes: int) -> bool:
    """Whether a full project may take so many bytes without a charge, beside what its open uploads have borrowed.

    The caller has locked the project's counter. Together they borrow no more than its damaged blobs have: that much it
    pays for and does not hold.
    """
    damaged = sum(row.size_bytes for row in work.db.execute(_IN_PROJECT, {"project": project_id}))
    return bool(damaged) and work.db.execute(_LENT, {"project": project_id}).scalar_one() + size_bytes <= damaged

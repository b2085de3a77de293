"""End uploads that have expired or whose repository is being purged.

Their rows are dead first, so that no writer goes on; then their bytes go, then the rows (docs/develop/lossless.md).
"""

from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update

from moorage import failpoints
from moorage.blobs.uploads import forget_upload
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.ids import UploadId
from moorage.quotas import service as quotas
from moorage.repositories.tables import Blob, Upload
from moorage.storage.base import Progress, Storage

BATCH = 100

_NOW = select(db_now())
_now = bindparam("now", type_=Upload.expires_at.type)
# Who writes right now keeps an upload alive: a request may take longer than an upload may rest.
_OVER = and_(Upload.expires_at < _now, or_(Upload.claim.is_(None), Upload.claim_until < _now))
_OLD = select(Upload.id).where(_OVER).order_by(Upload.expires_at, Upload.id).limit(bindparam("limit"))
_COLUMNS = select(
    Upload.id, Upload.offset_bytes, Upload.driver, Upload.reserved_bytes, Upload.project_id, Upload.blob_id
)  # fmt: skip
_LOCK = _COLUMNS.add_columns(Upload.dead).where(Upload.id == bindparam("upload"), _OVER).with_for_update()
_OF_REPOSITORY = (
    _COLUMNS.where(Upload.repository_id == bindparam("repository"), ~Upload.dead)
    .order_by(Upload.id)
    .limit(bindparam("limit"))
    .with_for_update()
)
_KILL = (
    update(Upload)
    .where(Upload.id == bindparam("upload"))
    .values(dead=True, reserved_bytes=0, lent_bytes=0, blob_id=None, claim=None, claim_until=None, expires_at=db_now())
)
_DOOM = (
    update(Blob)
    .where(Blob.id == bindparam("blob"), Blob.state == "arriving")
    .values(state="doomed", changed_at=db_now())
)


def find_old_uploads(work: Work, limit: int = BATCH) -> list[UploadId]:
    """The next uploads that are over: expired, or dead with bytes that were not removed yet."""
    now = work.db.execute(_NOW).scalar_one()
    return [UploadId(one) for one in work.db.execute(_OLD, {"now": now, "limit": limit}).scalars()]


def end_upload(work: Work, upload: UploadId) -> Progress | None:
    """Kill an upload that is over, and return what its bytes are; None: somebody went on with it, or it is gone.

    The bytes are removed next, then the row (`remove_upload`).
    """
    now = work.db.execute(_NOW).scalar_one()
    row = work.db.execute(_LOCK, {"upload": upload, "now": now}).first()
    if row is None:
        return None
    if not row.dead:
        _kill(work, row)
    failpoints.point("collect.ended")
    return Progress(size_bytes=row.offset_bytes, hash_state=b"", driver=row.driver)


async def remove_upload(database: Database, storage: Storage, upload: UploadId) -> bool:
    """Remove an upload that is over, its bytes and its row; False: somebody went on with it, or it is gone.

    Raises:
        StorageUnavailable, StorageFull: its bytes are still there.
    """
    progress = await database.run(SYSTEM, end_upload, upload)
    if progress is None:
        return False
    await storage.abort(upload, progress)
    failpoints.point("collect.swept")
    await database.run(SYSTEM, forget_upload, upload)
    return True


def end_uploads(work: Work, repository_id: int, limit: int = BATCH) -> None:
    """Kill uploads into a repository, whatever their age; the sweep removes their bytes and rows."""
    for row in work.db.execute(_OF_REPOSITORY, {"repository": repository_id, "limit": limit}).all():
        _kill(work, row)


def _kill(work: Work, row: Any) -> None:  # noqa: ANN401 - the columns of _COLUMNS
    """Give back the reservation, and doom the place."""
    if row.blob_id is not None:
        work.db.execute(_DOOM, {"blob": row.blob_id})
    work.db.execute(_KILL, {"upload": row.id})
    if row.reserved_bytes:
        quotas.refund(work, row.project_id, row.reserved_bytes)

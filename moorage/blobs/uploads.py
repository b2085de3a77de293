"""The state of a blob upload: rows, claims, places. The protocol is docs/develop/lossless.md, "Upload".

Row before file, file before promise: a key is in a row before bytes are under it, and bytes and their directory
entry are durable before the row turns live. Each function here is one transaction or part of one; the bytes are
moved between them, by `receive.py`.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from moorage import failpoints
from moorage.blobs.corrupt_blobs import forget_damage, has_damage, may_borrow
from moorage.blobs.links import join_blob
from moorage.db.base import db_now
from moorage.db.hand_written_sql import call, each, one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import (
    QuotaExceeded,
    UploadBusy,
    UploadInvalid,
    UploadLimit,
    UploadOffsetInvalid,
    UploadUnknown,
)
from moorage.ids import UploadId
from moorage.oci.digest import Digest
from moorage.process_claims import is_dead, new_claim
from moorage.projects.tables import Project
from moorage.quotas import service as quotas
from moorage.repositories.creation import Destination, Target, ensure_repository
from moorage.repositories.lookup import Stored
from moorage.repositories.tables import Blob, Repository, RepositoryBlob, Upload
from moorage.storage.base import Progress

CLAIM_SECONDS = 60
_FIRST_STEP = 8 << 20
_LAST_STEP = 256 << 20

FIND_UPLOAD = Query(
    """SELECT p.id, p.epoch, q.epoch, q.disabled, q.deleted_at,
    u.offset_bytes, u.previous_offset, u.hash_state, u.driver, u.algorithm, u.principal_id,
    {left:u.started_at}
FROM upload u
JOIN repository r ON r.id = u.repository_id AND r.trash_id IS NULL
JOIN project p ON p.id = u.project_id AND p.trash_id IS NULL
LEFT JOIN principal q ON q.id = $3
WHERE u.id = $2 AND r.path = $1 AND NOT u.dead AND u.expires_at > {now}"""
)

_seconds = bindparam("seconds", type_=Float)
_OPEN = Query("SELECT count(*) FROM upload WHERE principal_id = $1 AND NOT dead AND expires_at > {now}")
_INSERT = insert(Upload).values(expires_at=db_now(_seconds))
_LOCK = (
    select(
        Upload.offset_bytes, Upload.hash_state, Upload.driver, Upload.algorithm, Upload.reserved_bytes,
        Upload.lent_bytes,
        Upload.project_id, Upload.repository_id, Upload.blob_id, Upload.claim,
        (Upload.claim_until < db_now()).label("lapsed"), Repository.path,
        or_(Repository.trash_id.is_not(None), Project.trash_id.is_not(None)).label("in_trash"),
    )
    .join(Repository, Repository.id == Upload.repository_id)
    .join(Project, Project.id == Upload.project_id)
    .where(Upload.id == bindparam("upload"), ~Upload.dead, Upload.expires_at > db_now())
    .with_for_update(of=Upload)
)  # fmt: skip
_IS_OPEN = select(exists().where(Upload.id == bindparam("upload"), ~Upload.dead))
_CLAIM = (
    update(Upload)
    .where(Upload.id == bindparam("upload"))
    .values(
        claim=bindparam("new_claim"), claim_until=db_now(CLAIM_SECONDS), reserved_bytes=bindparam("reserved"),
        lent_bytes=bindparam("lent"),
    )
)  # fmt: skip
_RENEW = (
    update(Upload)
    .where(Upload.id == bindparam("upload"), Upload.claim == bindparam("mine"), ~Upload.dead)
    .values(claim_until=db_now(CLAIM_SECONDS))
)
_RECORD = (
    update(Upload)
    .where(Upload.id == bindparam("upload"), Upload.claim == bindparam("mine"), ~Upload.dead)
    .values(
        previous_offset=Upload.offset_bytes, offset_bytes=bindparam("offset"), hash_state=bindparam("state"),
        driver=bindparam("notes"), expires_at=db_now(_seconds), claim=bindparam("next_claim"),
        claim_until=db_now(CLAIM_SECONDS),
    )
)  # fmt: skip
_HOLD = _RENEW.returning(Upload.project_id)
_GROW = (
    update(Upload)
    .where(Upload.id == bindparam("upload"))
    .values(reserved_bytes=Upload.reserved_bytes + bindparam("by"), lent_bytes=Upload.lent_bytes + bindparam("lent"))
)
_RELEASE = (
    update(Upload)
    .where(Upload.id == bindparam("upload"), Upload.claim == bindparam("mine"))
    .values(claim=None, claim_until=None)
)
_LIVE = (
    select(Blob.id, Blob.key, Blob.size_bytes, Blob.seal)
    .where(Blob.digest == bindparam("digest"), Blob.state == "live")
    .with_for_update(read=True, key_share=True)
)
_LIVE_AT = (
    select(Blob.id, Blob.size_bytes)
    .where(Blob.digest == bindparam("digest"), Blob.key == bindparam("key"), Blob.state == "live")
    .with_for_update()
)
_KEY_TAKEN = select(exists().where(Blob.key == bindparam("key")))
_PLACE = insert(Blob).returning(Blob.id)
_PLACED = select(Blob.key, Blob.digest, Blob.size_bytes, Blob.state).where(Blob.id == bindparam("blob"))
_CLOSING = Query(
    """SELECT u.project_id, u.repository_id, u.blob_id, u.claim, u.reserved_bytes, r.path,
    r.trash_id IS NOT NULL OR p.trash_id IS NOT NULL, b.digest, b.size_bytes,
    EXISTS (SELECT 1 FROM blob twin WHERE twin.digest = b.digest AND twin.state = 'live')
FROM upload u
JOIN repository r ON r.id = u.repository_id
JOIN project p ON p.id = u.project_id
LEFT JOIN blob b ON b.id = u.blob_id
WHERE u.id = $1 AND NOT u.dead AND u.expires_at > {now} {lock:FOR UPDATE OF u}"""
)
_MAKE_LIVE = Query(
    """UPDATE blob SET state = 'live', live = true, seal = $2, changed_at = {now}
WHERE id = $1 AND state = 'arriving' RETURNING id"""
)
_SET_PLACE = (
    update(Upload)
    .where(Upload.id == bindparam("upload"))
    .values(blob_id=bindparam("blob"), claim=bindparam("mine"), claim_until=db_now(CLAIM_SECONDS))
)
_DOOM = (
    update(Blob)
    .where(Blob.id == bindparam("blob"), Blob.state == "arriving")
    .values(state="doomed", changed_at=db_now())
)
_TAKE_KEY = delete(Blob).where(Blob.id == bindparam("blob"), Blob.state == "arriving")
_HEAL = update(Blob).where(Blob.id == bindparam("blob")).values(key=bindparam("new_key"), seal=bindparam("new_seal"))
_BURY = insert(Blob)
_DELETE_UPLOAD = delete(Upload).where(Upload.id == bindparam("upload"))
_KILL = (
    update(Upload)
    .where(Upload.id == bindparam("upload"))
    .values(dead=True, reserved_bytes=0, lent_bytes=0, blob_id=None, claim=None, claim_until=None, expires_at=db_now())
)
_SOURCE = (
    select(Blob.id, Blob.size_bytes)
    .join(RepositoryBlob, RepositoryBlob.blob_id == Blob.id)
    .join(Repository, Repository.id == RepositoryBlob.repository_id)
    .where(
        Repository.path == bindparam("path"), Repository.project_id == bindparam("project"),
        Repository.trash_id.is_(None),
        ~RepositoryBlob.hidden, Blob.digest == bindparam("digest"), Blob.state == "live",
    )
    # The link too: a mount from the same repository must not bring back what is being deleted from it.
    .with_for_update(read=True, key_share=True, of=(Blob, RepositoryBlob))
)  # fmt: skip


_FORGET = Query("DELETE FROM upload WHERE id = $1")


@dataclass(frozen=True, slots=True)
class Claimed:
    """An upload that only the holder of `claim` may write to.

    Attributes:
        reserved_bytes: how long it may grow; what it has borrowed counts.
        lapsed: its last writer may still be writing.
    """

    upload: UploadId
    claim: str
    progress: Progress
    algorithm: str
    reserved_bytes: int
    lapsed: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the bytes go. `heals`: the key of a live blob whose bytes are damaged, and are to be replaced by these."""

    blob_id: int
    key: str
    heals: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a live blob's bytes told. `whole`: they are as they were when they were verified."""

    key: str
    whole: bool


def create_upload(work: Work, to: Destination, *, algorithm: str, expiry_seconds: int, open_limit: int) -> UploadId:
    """Open an upload to a repository, which is made unless it is there.

    Raises:
        UploadLimit: the account has `open_limit` open uploads already.
        RepositoryUnknown: the project is gone.
        QuotaExceeded: the project is full, and has nothing to heal: whatever came would be refused.
    """
    target = ensure_repository(work, to)
    principal = work.actor.principal_id
    opened, room = each(work, (call(_OPEN, principal), quotas.finding_room(to.project_id)))
    if opened[0][0] >= open_limit:
        raise UploadLimit(headers={"Retry-After": "60"}, limit=open_limit)
    try:
        quotas.require_room(work, room)
    except QuotaExceeded:
        if not has_damage(work, to.project_id):
            raise
    upload = UploadId(secrets.token_hex(16))
    work.db.execute(
        _INSERT,
        {
            "id": upload, "repository_id": target.repository_id, "project_id": to.project_id, "principal_id": principal,
            "algorithm": algorithm, "hash_state": b"", "driver": "", "started_at": work.now,
            "seconds": float(expiry_seconds),
        },
    )  # fmt: skip
    return upload


def _lock(work: Work, upload: UploadId) -> Any:  # noqa: ANN401 - a row of _LOCK
    """An open upload, locked.

    One to a repository in the trash cannot go on; it can once the repository is restored. Deleting that commits while
    this transaction goes on comes after it: a blob was pushed, and then went with its repository.

    Raises:
        UploadUnknown: it was cancelled or has expired, or its repository or project was deleted.
    """
    row = work.db.execute(_LOCK, {"upload": upload}).first()
    if row is None or row.in_trash:
        raise UploadUnknown
    return row


def claim_upload(work: Work, upload: UploadId, *, offset: int | None, length: int | None) -> Claimed:
    """Become the only writer of an upload, and reserve the bytes that are about to come.

    Args:
        offset: where the caller means to go on; None: wherever the upload ends.
        length: how many bytes will come; None: unknown, the first step is reserved where there is room for it, and
            more as they come.

    Raises:
        UploadUnknown, UploadBusy, UploadOffsetInvalid, QuotaExceeded.
        UploadInvalid: its bytes have a place already, which only a closing PUT can settle.
    """
    row = _lock(work, upload)
    if row.blob_id is not None:
        raise UploadInvalid("Closing this upload was begun; repeat the closing PUT, or upload it anew.")
    dead = row.claim is not None and is_dead(row.claim)
    if row.claim is not None and not row.lapsed and not dead:
        raise UploadBusy
    if offset is not None and offset != row.offset_bytes:
        raise UploadOffsetInvalid(offset=row.offset_bytes)
    wanted = row.offset_bytes + (_FIRST_STEP if length is None else length)
    covered = row.reserved_bytes + row.lent_bytes
    missing = max(0, wanted - covered)
    lent = 0
    claim = new_claim()
    if missing and not _is_charged(work, row.project_id, missing, must=length is not None):
        lent, missing = (0 if length is None else missing), 0
    # The slot is held by now, but this row is locked since the look above: nobody is waited for.
    work.db.execute(
        _CLAIM,
        {
            "upload": upload, "new_claim": claim, "reserved": row.reserved_bytes + missing,
            "lent": row.lent_bytes + lent,
        },
    )  # fmt: skip
    progress = Progress(size_bytes=row.offset_bytes, hash_state=bytes(row.hash_state), driver=row.driver)
    lapsed = row.claim is not None and not dead
    return Claimed(upload, claim, progress, row.algorithm, covered + missing + lent, lapsed)


def reserve_more(work: Work, claimed: Claimed, reserved: int, needed: int) -> int:
    """Reserve the next step of an upload of unknown length: 8, 16, 32, … 256 MiB ahead. Returns the new reservation.

    A step takes no more than a sixteenth of the room, so that those who push at the same time have some, too; where
    there is none for a step ahead, just the `needed` bytes are reserved: what fits is not refused.

    Raises:
        QuotaExceeded: the project has no room for `needed` bytes.
        UploadBusy: the claim was lost.
    """
    project = work.db.execute(_HOLD, {"upload": claimed.upload, "mine": claimed.claim}).scalar()
    if project is None:
        raise UploadBusy
    step = min(max(_FIRST_STEP, reserved), _LAST_STEP, quotas.find_room(work, project) // 16)
    needed -= reserved
    lent = 0
    if step > needed and _is_charged(work, project, step, must=False):
        needed = step
    elif not _is_charged(work, project, needed, must=True):
        lent = needed
    work.db.execute(_GROW, {"upload": claimed.upload, "by": needed - lent, "lent": lent})
    return reserved + needed


def _is_charged(work: Work, project_id: int, size_bytes: int, *, must: bool) -> bool:
    """Charge a project for what an upload, whose row is locked, is about to bring; False: it is not.

    A charge that fails wrote nothing, and has locked the whole counter: of two who borrow, the second sees what the
    first one has.

    Args:
        must: raise where it can neither be charged nor borrowed.

    Raises:
        QuotaExceeded: there is no room.
    """
    try:
        quotas.charge(work, project_id, size_bytes)
    except QuotaExceeded:
        if must and not may_borrow(work, project_id, size_bytes):
            raise
        return False
    return True


def renew_claim(work: Work, claimed: Claimed) -> bool:
    """Keep a claim alive; False when it was lost."""
    return work.db.execute(_RENEW, {"upload": claimed.upload, "mine": claimed.claim}).rowcount == 1


def record_progress(
    work: Work, claimed: Claimed, progress: Progress, *, expiry_seconds: int, keep_claim: bool = False
) -> None:
    """Note bytes that are durable, and give the claim back unless `keep_claim`.

    Raises:
        UploadUnknown: the claim was lost, or the upload was cancelled meanwhile.
    """
    changed = work.db.execute(
        _RECORD,
        {
            "upload": claimed.upload, "mine": claimed.claim, "offset": progress.size_bytes,
            "state": progress.hash_state, "notes": progress.driver, "seconds": float(expiry_seconds),
            "next_claim": claimed.claim if keep_claim else None,
        },
    ).rowcount  # fmt: skip
    if changed != 1:
        raise UploadUnknown


def release_claim(work: Work, upload: UploadId, claim: str) -> None:
    """Give a claim back; what was written behind the recorded offset is overwritten by the next writer."""
    work.db.execute(_RELEASE, {"upload": upload, "mine": claim})


def place_blob(
    work: Work, upload: UploadId, digest: Digest, size_bytes: int, *, claim: str,
    first_key: str, later_key: str, lease_seconds: int, seen: Seen | None = None,
) -> Placed | Stored | None:  # fmt: skip
    """T1: give the upload's bytes a place, or join the blob that is there already.

    The caller holds `claim`, or nobody does: then it is taken. A place given to an earlier attempt of the same
    upload is kept: its bytes may lie there already.

    Args:
        seen: what the caller found at the place of the live blob; None: it knows of none.

    Returns:
        The place; None when the blob was joined; a `Stored` when a blob is live there that the caller has not seen:
        nothing was done, look at it and call again.

    Raises:
        UploadUnknown: cancelled or expired meanwhile.
        UploadBusy: another request writes to it, or has written since the digest was computed.
        UploadInvalid: an earlier attempt named another digest.
        QuotaExceeded: as `join_blob`.
    """
    row = _lock(work, upload)
    taken = row.claim not in {None, claim} and not row.lapsed and not is_dead(row.claim)
    if taken or row.offset_bytes != size_bytes:
        raise UploadBusy
    live = work.db.execute(_LIVE, {"digest": digest.binary}).first()
    if live is not None and (seen is None or seen.key != live.key):
        return Stored(live.id, live.key, live.size_bytes, live.seal)
    if live is not None and seen is not None and seen.whole:
        if row.blob_id is not None:
            work.db.execute(_DOOM, {"blob": row.blob_id})
        join_blob(work, Target(row.repository_id, row.project_id, row.path), live.id, live.size_bytes,
              reserved=row.reserved_bytes, lease_seconds=lease_seconds)  # fmt: skip
        work.db.execute(_KILL, {"upload": upload})
        return None
    heals = None if live is None else live.key
    if row.blob_id is not None:
        placed = work.db.execute(_PLACED, {"blob": row.blob_id}).one()
        if placed.state != "arriving" or placed.digest != digest.binary or placed.size_bytes != size_bytes:
            raise UploadInvalid("Closing this upload was begun with another digest; upload it anew.")
        work.db.execute(_SET_PLACE, {"upload": upload, "blob": row.blob_id, "mine": claim})
        return Placed(row.blob_id, placed.key, heals)
    used = work.db.execute(_KEY_TAKEN, {"key": first_key}).scalar_one()
    values = {"digest": digest.binary, "size_bytes": size_bytes, "state": "arriving", "changed_at": work.now}
    key = later_key if used else first_key
    try:
        with work.db.begin_nested():
            blob = work.db.execute(_PLACE, {**values, "key": key}).scalar_one()
    except IntegrityError:  # a twin took the first key between the look and the insert
        key = later_key
        blob = work.db.execute(_PLACE, {**values, "key": key}).scalar_one()
    work.db.execute(_SET_PLACE, {"upload": upload, "blob": blob, "mine": claim})
    return Placed(blob, key, heals)


def commit_blob(
    work: Work, upload: UploadId, placed: Placed, *, claim: str, seal: str | None, lease_seconds: int
) -> bool:
    """T2: the bytes are durable under their key; make the blob live, or heal the one that is, and link it.

    Returns False, and does nothing, when somebody else was first: a twin is live, or what was to be healed is not
    what it was. T1 again.

    Raises:
        UploadUnknown: cancelled or expired meanwhile; the place is doomed and its bytes go.
        QuotaExceeded: as `join_blob`.
    """
    row = one(work, _CLOSING, upload)
    if row is None:
        raise UploadUnknown
    project, repository, blob, held, reserved, path, in_trash, own_digest, own_bytes, has_twin = row
    if in_trash or blob != placed.blob_id or held != claim:
        raise UploadUnknown
    target = Target(repository, project, path)
    if placed.heals is not None:
        damaged = work.db.execute(_LIVE_AT, {"digest": bytes(own_digest), "key": placed.heals}).first()
        if damaged is None:
            return False
        work.db.execute(_DELETE_UPLOAD, {"upload": upload})
        _heal(work, damaged.id, placed, (bytes(own_digest), own_bytes), seal)
        join_blob(work, target, damaged.id, damaged.size_bytes, reserved=reserved, lease_seconds=lease_seconds)
        failpoints.point("commit.healing")
        return True
    if has_twin:
        return False
    # One that goes live just now makes this an error of the database, and the story is told again: it sees the twin.
    if one(work, _MAKE_LIVE, placed.blob_id, seal) is None:
        raise UploadUnknown
    join_blob(work, target, placed.blob_id, own_bytes, reserved=reserved, lease_seconds=lease_seconds)
    one(work, _FORGET, upload)
    failpoints.point("commit.joining")
    return True


def _heal(work: Work, blob_id: int, placed: Placed, own: tuple[bytes, int], seal: str | None) -> None:
    """Give a live, locked blob the place of new bytes. The place of the damaged ones gets a row by which they go.

    `own`: digest and length of both. The row stays what it was to all its holders: nothing that points to it is
    touched, however much that is.
    """
    if work.db.execute(_TAKE_KEY, {"blob": placed.blob_id}).rowcount != 1:
        raise UploadUnknown
    work.db.execute(_HEAL, {"blob": blob_id, "new_key": placed.key, "new_seal": seal})
    forget_damage(work, blob_id)
    work.db.execute(
        _BURY,
        {
            "digest": own[0], "size_bytes": own[1], "key": placed.heals, "state": "doomed",
            "changed_at": work.now,
        },
    )  # fmt: skip


def mount_blob(work: Work, to: Destination, digest: Digest, *, source: Destination, lease_seconds: int) -> bool:
    """Link a blob of another repository, which the caller may pull from, without moving a byte.

    The caller has looked at its bytes. Returns False when the source does not hold it, or the project has no room: the
    caller uploads it instead.
    """
    target = ensure_repository(work, to)
    blob = work.db.execute(
        _SOURCE, {"path": source.path, "project": source.project_id, "digest": digest.binary}
    ).first()
    if blob is None:
        return False
    try:
        with work.db.begin_nested():
            join_blob(work, target, blob.id, blob.size_bytes, reserved=0, lease_seconds=lease_seconds)
    except QuotaExceeded:
        return False
    failpoints.point("mount.joining")
    return True


def kill_upload(work: Work, upload: UploadId, *, judged_bytes: int | None = None) -> Progress | None:
    """Cancel an upload: give back its reservation, doom its place. Returns what its bytes are; None: no such upload.

    The bytes are removed next, then the row (`forget_upload`): a crash between leaves a dead row for the sweep.

    Args:
        judged_bytes: how many bytes it had when it was found wrong; None: it goes whatever it has.

    Raises:
        UploadBusy: it has other bytes than those that were judged, and they were acknowledged: it stays.
    """
    row = work.db.execute(_LOCK, {"upload": upload}).first()
    if row is None:
        return None
    if judged_bytes is not None and row.offset_bytes != judged_bytes:
        raise UploadBusy
    if row.blob_id is not None:
        work.db.execute(_DOOM, {"blob": row.blob_id})
    work.db.execute(_KILL, {"upload": upload})
    if row.reserved_bytes:
        quotas.refund(work, row.project_id, row.reserved_bytes)
    return Progress(size_bytes=row.offset_bytes, hash_state=b"", driver=row.driver)


def is_open(work: Work, upload: UploadId) -> bool:
    """Whether an upload is there, and nobody has cancelled it."""
    return bool(work.db.execute(_IS_OPEN, {"upload": upload}).scalar())


def forget_upload(work: Work, upload: UploadId) -> None:
    """Remove the row of a dead upload whose bytes are gone."""
    work.db.execute(_DELETE_UPLOAD, {"upload": upload})

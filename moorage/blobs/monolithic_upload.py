"""Receive a small blob in one request, in two transactions instead of five.

The protocol is docs/develop/lossless.md, "A small blob at once": T1 with the upload's row, the file, T2.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

from moorage import failpoints
from moorage.blobs import receive, uploads
from moorage.blobs.blob_integrity import Shelf
from moorage.blobs.uploads import CLAIM_SECONDS, Placed
from moorage.db.hand_written_sql import call, each, moment, one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import Problem, QuotaExceeded
from moorage.events import Actor
from moorage.ids import UploadId
from moorage.oci.digest import Digest, compute
from moorage.process_claims import new_claim
from moorage.quotas import service as quotas
from moorage.repositories.creation import Destination, ensure_repository
from moorage.storage.base import Progress

WHOLE_BYTES = 64 << 10
"""How long a blob may be that is held in memory for this."""

_AROUND = Query(
    """SELECT (SELECT count(*) FROM upload WHERE principal_id = $1 AND NOT dead AND expires_at > {now}),
    EXISTS (SELECT 1 FROM blob WHERE digest = $2 AND state = 'live'),
    EXISTS (SELECT 1 FROM blob WHERE key = $3)"""
)
_ARRIVE = Query(
    """INSERT INTO blob (digest, size_bytes, key, state, changed_at) VALUES ($1, $2, $3, 'arriving', $4)
RETURNING id"""
)
_OPEN_WHOLE = Query(
    """INSERT INTO upload (id, repository_id, project_id, principal_id, algorithm, reserved_bytes, blob_id, claim,
    claim_until, started_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {later:$9}, $10, {later:$11})"""
)


async def take_whole(shelf: Shelf, actor: Actor, to: Destination, digest: Digest, data: bytes) -> bool:
    """Make a blob of these bytes live in a repository.

    False: nothing was done, and it has to be received step by step, which tells why, or does what is done seldom: the
    digest is another one, a blob of it is live already, there is no room, or the storage is no file system of ours
    (an object store knows a blob's place only when it has the bytes).

    Raises:
        RepositoryUnknown: the project is gone.
        UploadUnknown: the repository was deleted meanwhile.
        StorageFull, StorageUnavailable: nothing of it is left.
    """
    if not data or not shelf.has_files or compute(data, digest.algorithm) != digest:
        return False
    settings, storage, nothing = shelf.settings.uploads, shelf.storage, Progress()
    upload, claim = UploadId(secrets.token_hex(16)), new_claim()
    try:
        placed = await shelf.database.run(
            actor, place_whole, to, upload, digest, len(data), claim=claim,
            first_key=storage.place(digest, upload, nothing, first=True),
            later_key=storage.place(digest, upload, nothing, first=False),
            expiry_seconds=settings.expiry_seconds, open_limit=settings.open_limit,
        )  # fmt: skip
    except QuotaExceeded:
        return False
    if placed is None:
        return False
    failpoints.point("commit.placed")
    try:
        async with receive.cancelled(shelf, upload):
            progress = await storage.append(upload, nothing, once(data), None, takeover=False)
            stat = await storage.finish(upload, progress, placed.key)
        failpoints.point("commit.stored")
        done = await shelf.database.run(
            actor, uploads.commit_blob, upload, placed,
            claim=claim, seal=stat.seal, lease_seconds=settings.lease_seconds,
        )  # fmt: skip
    except BaseException:
        # Nobody was told where this upload is, so nobody can go on with it.
        with contextlib.suppress(Problem):
            await receive.kill(shelf, upload)
        raise
    if not done:  # a twin was faster
        await receive.kill(shelf, upload)
        return False
    shelf.metrics.counters["moorage_upload_bytes_total"] += len(data)
    failpoints.point("commit.live")
    return True


async def gather(pieces: AsyncIterator[bytes]) -> bytes:
    """What pieces give, joined; more than `WHOLE_BYTES` means that there is more, which was not read."""
    found, size = [], 0
    async for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size > WHOLE_BYTES:
            break
    return found[0] if len(found) == 1 else b"".join(found)


@dataclass(slots=True)
class Gathered:
    """Bytes that came, as a body that may be received step by step (`receive.Arriving`)."""

    data: bytes
    broken: bool = False

    def pieces(self) -> AsyncIterator[bytes]:
        """All of them."""
        return once(self.data)


async def once(data: bytes) -> AsyncIterator[bytes]:
    """One piece."""
    if data:
        yield data


def place_whole(
    work: Work, to: Destination, upload: UploadId, digest: Digest, size_bytes: int, *, claim: str,
    first_key: str, later_key: str, expiry_seconds: int, open_limit: int,
) -> Placed | None:  # fmt: skip
    """What POST, a claim and T1 do, at once, for bytes that were compared with their digest and are all in memory.

    `upload` is a new one; its row has no bytes until they are a blob. None: nothing was done, because a blob of this
    digest is live, or the account has too many uploads open: go step by step.

    Raises:
        RepositoryUnknown: the project is gone.
        QuotaExceeded: it has no room. (Step by step they may still heal something.)
    """
    target = ensure_repository(work, to)
    principal = work.actor.principal_id
    found = one(work, _AROUND, principal, digest.binary, first_key)
    opened, live, used = found or (0, False, False)
    if live or opened >= open_limit:
        return None
    now = moment(work, work.now)
    # A twin that takes the first key just now makes this an error, and the story is told again: it sees the twin.
    key = later_key if used else first_key
    blob = each(work, (call(_ARRIVE, digest.binary, size_bytes, key, now),))[0][0][0]
    one(
        work, _OPEN_WHOLE, upload, target.repository_id, to.project_id, principal, digest.algorithm, size_bytes, blob,
        claim, float(CLAIM_SECONDS), now, float(expiry_seconds),
    )  # fmt: skip
    quotas.charge(work, to.project_id, size_bytes)
    return Placed(blob, key, None)

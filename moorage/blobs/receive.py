"""Receive a blob: write its bytes to the storage, and make it live under its digest.

The order of steps is docs/develop/lossless.md, "Upload". Who sends the bytes, a client of /v2 or another registry that
we copy from, is the caller's affair.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from moorage import failpoints
from moorage.blobs import uploads
from moorage.blobs.blob_integrity import Look, Shelf, alarm, find_damage, look
from moorage.blobs.uploads import Claimed, Seen
from moorage.errors import (
    DigestInvalid,
    Invalid,
    Problem,
    QuotaExceeded,
    SizeInvalid,
    StorageUnavailable,
    UploadBusy,
    UploadUnknown,
)
from moorage.events import SYSTEM, Actor
from moorage.ids import UploadId
from moorage.oci.digest import Digest, Hasher
from moorage.process_claims import new_claim
from moorage.repositories.lookup import Stored
from moorage.storage.base import LocalFile, Progress

_HEARTBEAT_SECONDS = uploads.CLAIM_SECONDS / 3
_TURNS = 10
"""How often a commit may find that somebody else was faster: each turn takes another who was."""

log = logging.getLogger("moorage.blobs")


@dataclass(frozen=True, slots=True)
class Found:
    """An open upload as its row says, for a caller who may go on with it."""

    upload: UploadId
    name: str
    progress: Progress
    previous_offset: int
    algorithm: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a chunk begins (None: wherever the upload ends) and how long it says it is (None: unknown)."""

    offset: int | None
    length: int | None


class Arriving(Protocol):
    """A body on its way.

    Attributes:
        broken: it ended early, and what came is to be kept: whoever sends it can go on from there.
    """

    broken: bool

    def pieces(self) -> AsyncIterator[bytes]:
        """Its bytes, once."""
        ...


async def close(
    shelf: Shelf, found: Found, digest: Digest, chunk: Chunk, body: Arriving, *, file: LocalFile | None = None
) -> None:
    """Take a last chunk if there is one, check the digest, and make the blob live: T1, the file, T2.

    Args:
        file: what `body` would read, for a storage that can have the file itself.
    """
    upload, progress = found.upload, found.progress
    claim = new_claim()
    try:
        if chunk.length != 0:
            claimed = await _claim(shelf, found, digest, chunk)
            claim = claimed.claim
            progress = await write(shelf, claimed, body, chunk.length, keep_claim=True, file=file)
            if body.broken:
                raise Invalid(  # noqa: TRY301 - the cleanup below is for this, too
                    f"The body ended early; {progress.size_bytes} bytes are safe, go on from there."
                )
        actual = await _digest(shelf, found, progress, digest.algorithm)
        if actual != digest:
            if not await kill(shelf, upload, judged_bytes=progress.size_bytes):
                raise UploadUnknown  # noqa: TRY301 - as above
            raise DigestInvalid(  # noqa: TRY301 - as above
                "The content does not have the digest that was given; the upload was removed.",
                expected=str(digest), actual=str(actual),
            )  # fmt: skip
        failpoints.point("commit.verified")
        await _commit(shelf, found, progress, digest, claim)
    except BaseException:
        # Whoever tries again must not have to wait until the claim of this attempt runs out.
        with contextlib.suppress(Exception):
            await shelf.database.run_short(SYSTEM, uploads.release_claim, upload, claim)
        raise


async def _claim(shelf: Shelf, found: Found, digest: Digest, chunk: Chunk) -> Claimed:
    """Claim an upload for a last chunk. Where the project is full, its bytes may be what heals the blob that it names.

    Raises:
        UploadUnknown, UploadBusy, UploadOffsetInvalid, UploadInvalid, QuotaExceeded: as `uploads.claim_upload`.
    """
    for is_first in (True, False):
        try:
            return await shelf.database.run_short(
                found.actor, uploads.claim_upload, found.upload, offset=chunk.offset, length=chunk.length
            )
        except QuotaExceeded:
            if not (is_first and await find_damage(shelf, found.name, digest)):
                raise
    raise AssertionError  # the second round returns or raises


async def _commit(shelf: Shelf, found: Found, progress: Progress, digest: Digest, claim: str) -> None:
    upload = found.upload
    lease = shelf.settings.uploads.lease_seconds
    storage = shelf.storage
    seen: Seen | None = None
    try:
        for _ in range(_TURNS):
            placed = await shelf.database.run_short(
                found.actor, uploads.place_blob, upload, digest, progress.size_bytes, claim=claim,
                first_key=storage.place(digest, upload, progress, first=True),
                later_key=storage.place(digest, upload, progress, first=False),
                lease_seconds=lease, seen=seen,
            )  # fmt: skip
            if placed is None:
                await storage.abort(upload, progress)
                await shelf.database.run_short(SYSTEM, uploads.forget_upload, upload)
                return
            if isinstance(placed, Stored):
                seen = await _see(shelf, digest, placed)
                failpoints.point("commit.looked")
                continue
            failpoints.point("commit.placed")
            async with cancelled(shelf, upload):
                stat = await storage.finish(upload, progress, placed.key)
            failpoints.point("commit.stored")
            done = await shelf.database.run_short(
                found.actor, uploads.commit_blob, upload, placed, claim=claim, seal=stat.seal, lease_seconds=lease
            )
            if done:
                if placed.heals is not None:
                    shelf.metrics.counters["moorage_blob_healed_total"] += 1
                    log.warning("%s was pushed again: its bytes are now %s, not %s", digest, placed.key, placed.heals)
                failpoints.point("commit.live")
                return
    except QuotaExceeded:
        await kill(shelf, upload)
        raise
    raise UploadBusy


async def _see(shelf: Shelf, digest: Digest, blob: Stored) -> Seen:
    """Look at the bytes of a live blob that is about to be joined. Nothing is hashed: better ones are at hand."""
    found = await look(shelf, blob)
    if found.is_damage:
        await alarm(shelf, digest, blob, found)
    return Seen(blob.key, found is Look.WHOLE)


async def _digest(shelf: Shelf, found: Found, progress: Progress, algorithm: str) -> Digest:
    """The digest of an upload's bytes: from the saved hash, or, for an algorithm first named now, by reading them."""
    if progress.size_bytes == 0:
        return Hasher(algorithm).digest()
    saved = _saved_hash(algorithm, progress) if algorithm == found.algorithm else None
    if saved is not None:
        return saved.digest()
    hasher = Hasher(algorithm)
    async for piece in shelf.storage.read_upload(found.upload, progress):
        await asyncio.to_thread(hasher.update, piece)
    shelf.metrics.counters["moorage_upload_rehashed_total"] += 1
    shelf.metrics.counters["moorage_upload_rehashed_bytes_total"] += progress.size_bytes
    return hasher.digest()


async def kill(shelf: Shelf, upload: UploadId, *, judged_bytes: int | None = None) -> bool:
    """Remove an upload; False when it was gone already."""
    progress = await shelf.database.run(SYSTEM, uploads.kill_upload, upload, judged_bytes=judged_bytes)
    failpoints.point("cancel.dead")
    if progress is None:
        return False
    await shelf.storage.abort(upload, progress)
    failpoints.point("cancel.removed")
    await shelf.database.run_short(SYSTEM, uploads.forget_upload, upload)
    return True


async def write(
    shelf: Shelf,
    claimed: Claimed,
    body: Arriving,
    length: int | None,
    *,
    keep_claim: bool,
    file: LocalFile | None = None,
) -> Progress:
    """Move a body into the storage, with its claim kept alive, and note what is durable.

    Raises:
        SizeInvalid: the body is not as long as it said; nothing of it is kept.
        QuotaExceeded, StorageFull, StorageUnavailable: nothing of it is kept, the upload can go on later.
    """
    try:
        failpoints.point("append.begun")
        hasher = _resume(claimed)
        async with _heartbeat(shelf, claimed), cancelled(shelf, claimed.upload):
            progress = await _adopt(shelf, claimed, file)
            if progress is None:
                pieces = _reserved(shelf, claimed, body)
                progress = await shelf.storage.append(
                    claimed.upload, claimed.progress, pieces, hasher, takeover=claimed.lapsed
                )
        received = progress.size_bytes - claimed.progress.size_bytes
        if length is not None and received != length and not body.broken:
            raise SizeInvalid(  # noqa: TRY301 - the cleanup below is for this, too
                f"{length} bytes were announced, {received} came.", announced=length, received=received
            )
        shelf.metrics.counters["moorage_upload_bytes_total"] += received
        failpoints.point("append.synced")
        await shelf.database.run_short(
            SYSTEM, uploads.record_progress, claimed, progress,
            expiry_seconds=shelf.settings.uploads.expiry_seconds, keep_claim=keep_claim,
        )  # fmt: skip
    except BaseException:
        with contextlib.suppress(Exception):
            await shelf.database.run_short(SYSTEM, uploads.release_claim, claimed.upload, claimed.claim)
            if not await shelf.database.run_short(SYSTEM, uploads.is_open, claimed.upload):
                # Cancelled meanwhile, and whoever did it may have looked before these bytes came: no row names them.
                await shelf.storage.abort(claimed.upload, claimed.progress)
        raise
    return progress


async def _adopt(shelf: Shelf, claimed: Claimed, file: LocalFile | None) -> Progress | None:
    """Have the storage take a file for all bytes of an upload, reserved with its claim; None: they have to be read."""
    if file is None or claimed.progress.size_bytes or claimed.lapsed:
        return None
    if file.hasher.algorithm != claimed.algorithm or file.hasher.size_bytes > claimed.reserved_bytes:
        return None
    return await shelf.storage.adopt(claimed.upload, file)


def _resume(claimed: Claimed) -> Hasher:
    """A hash that stands where the upload ends; where no state fits, one at 0, which the storage feeds."""
    return _saved_hash(claimed.algorithm, claimed.progress) or Hasher(claimed.algorithm)


def _saved_hash(algorithm: str, progress: Progress) -> Hasher | None:
    """The hash over an upload's bytes as it was saved; None when none was, or by a machine whose form is another."""
    if not progress.hash_state:
        return None
    try:
        return Hasher.resume(algorithm, progress.hash_state)
    except ValueError:
        return None


async def _reserved(shelf: Shelf, claimed: Claimed, body: Arriving) -> AsyncIterator[bytes]:
    """The pieces of a body, each handed on only once its bytes are reserved in the project's quota."""
    reserved = claimed.reserved_bytes
    at = claimed.progress.size_bytes
    async for piece in body.pieces():
        at += len(piece)
        while at > reserved:
            reserved = await shelf.database.run(SYSTEM, uploads.reserve_more, claimed, reserved, at)
        yield piece


@contextlib.asynccontextmanager
async def _heartbeat(shelf: Shelf, claimed: Claimed) -> AsyncIterator[None]:
    """Renew the claim while the block runs: a claim that ran out is a writer that others take for dead."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            with contextlib.suppress(Problem):  # the database may be back at the next beat, before the claim runs out
                await shelf.database.run_short(SYSTEM, uploads.renew_claim, claimed)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def cancelled(shelf: Shelf, upload: UploadId) -> AsyncIterator[None]:
    """Say that there is no such upload where the storage fails because somebody took its bytes away meanwhile."""
    try:
        yield
    except StorageUnavailable:
        there = True
        with contextlib.suppress(Problem):
            there = await shelf.database.run_short(SYSTEM, uploads.is_open, upload)
        if not there:
            raise UploadUnknown from None
        raise

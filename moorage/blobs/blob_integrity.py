"""Check that the stored bytes of a blob match its digest.

A look costs a `stat`; bytes are hashed only where somebody touched their file. The rules are docs/develop/lossless.md,
"Healing" and "Seals".
"""

import contextlib
import enum
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from moorage.blobs import blob_rows
from moorage.blobs.corrupt_blobs import note_damage
from moorage.db.engine import Database
from moorage.errors import BlobDamaged, BlobUnknown, Problem
from moorage.events import SYSTEM
from moorage.oci.digest import Digest, Hasher
from moorage.repositories.lookup import FoundBlob, Stored, find_stored
from moorage.settings import Settings
from moorage.storage.base import Storage
from moorage.web.metrics import Metrics

log = logging.getLogger("moorage.blobs")


class Shelf(Protocol):
    """What moving bytes in and out of the storage needs: the parts of a server, or of a worker.

    Attributes:
        has_files: whether blobs are files of this machine, so that a look at one costs nothing.
    """

    @property
    def settings(self) -> Settings: ...  # noqa: D102 - an attribute
    @property
    def database(self) -> Database: ...  # noqa: D102 - an attribute
    @property
    def storage(self) -> Storage: ...  # noqa: D102 - an attribute
    @property
    def metrics(self) -> Metrics: ...  # noqa: D102 - an attribute
    @property
    def has_files(self) -> bool: ...  # noqa: D102 - an attribute


@dataclass(frozen=True, slots=True)
class OwnShelf:
    """The shelf of a worker, or of a command."""

    settings: Settings
    database: Database
    storage: Storage
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def has_files(self) -> bool:
        """See `Shelf`."""
        return self.storage.path("probe") is not None


class Look(enum.Enum):
    """What a look tells; the words are those of the alarm."""

    WHOLE = "as they were"
    TOUCHED = "not what their digest says"
    SHORT = "of the wrong size"
    LOST = "missing"

    @property
    def is_damage(self) -> bool:
        """Whether the bytes are certainly wrong."""
        return self in {Look.SHORT, Look.LOST}


async def look(shelf: Shelf, blob: Stored) -> Look:
    """Compare what is stored with the row, without reading it. An object store is asked once."""
    stat = await shelf.storage.stat(blob.key)
    if stat is None:
        return Look.LOST
    if stat.size_bytes != blob.size_bytes:
        return Look.SHORT
    return Look.WHOLE if stat.seal == blob.seal else Look.TOUCHED


async def is_whole(shelf: Shelf, digest: Digest, blob: Stored) -> bool:
    """Whether somebody may be told that the blob is here: touched bytes are hashed, and sealed anew when right."""
    seen = await look(shelf, blob)
    if seen is Look.WHOLE:
        return True
    if seen.is_damage:
        await alarm(shelf, digest, blob, seen)
        return False
    shelf.metrics.counters["moorage_blob_verified_total"] += 1
    try:
        async for _ in verified(shelf, digest, blob):
            pass
    except BlobDamaged:
        return False
    return True


async def verified(shelf: Shelf, digest: Digest, blob: Stored) -> AsyncIterator[bytes]:
    """The bytes of a touched blob; the last piece only when all of them are right, and sealed anew.

    Raises:
        BlobDamaged: they are not what the digest says, or there are too few of them.
    """
    before = await shelf.storage.stat(blob.key)
    hasher = Hasher(digest.algorithm)
    held: bytes | None = None
    async for piece in shelf.storage.read(blob.key, 0, blob.size_bytes):
        if held is not None:
            yield held
        hasher.update(piece)
        held = piece
    if hasher.digest() != digest:
        await alarm(shelf, digest, blob, Look.TOUCHED)
        raise BlobDamaged(digest=str(digest), headers={"Retry-After": "60"})
    after = await shelf.storage.stat(blob.key)
    if before is not None and after is not None and before.seal == after.seal and after.seal is not None:
        await shelf.database.run(SYSTEM, blob_rows.set_seal, blob, after.seal)
    if held is not None:
        yield held


async def alarm(shelf: Shelf, digest: Digest, blob: Stored, seen: Look) -> None:
    """Count damage, note it, and say which file it is and what mends it."""
    shelf.metrics.counters["moorage_blob_damaged_total"] += 1
    log.error(
        "the stored bytes of %s (%s) are %s; push it again, or bring the file back from a backup",
        digest, blob.key, seen.value,
    )  # fmt: skip
    with contextlib.suppress(Problem):  # what is told to the caller is true without the note
        await shelf.database.run(SYSTEM, note_damage, blob)


async def find_damage(shelf: Shelf, repository: str, digest: Digest) -> bool:
    """Look whether a repository has this blob and its bytes are damaged; if so, that is noted."""
    for _, blob in await find_stored(shelf.database.read, repository, [digest]):
        return not await is_whole(shelf, digest, blob)
    return False


async def keep_promise(shelf: Shelf, found: FoundBlob) -> None:
    """A HEAD that a pusher is told "it is there" by keeps the blob for at least half a lease more.

    Renewed at most once per half of the lease, so that reads stay reads.

    Raises:
        BlobUnknown: the collector took the link meanwhile.
    """
    lease = shelf.settings.uploads.lease_seconds
    if found.lease_seconds is None or found.lease_seconds > lease / 2:
        return
    renewed = await shelf.database.run_short(
        SYSTEM, blob_rows.renew_lease, found.repository_id, found.blob_id, lease_seconds=lease
    )
    if not renewed:
        raise BlobUnknown

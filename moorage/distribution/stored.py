"""Whether the stored bytes of a blob are still those that its row was given for.

A look costs a `stat`; bytes are hashed only where somebody touched their file. The rules are docs/develop/lossless.md,
"Healing" and "Seals".
"""

import enum
import logging
from collections.abc import AsyncIterator

from moorage.artifacts import blobs
from moorage.artifacts.pull import Stored
from moorage.distribution.plane import Plane
from moorage.errors import BlobDamaged
from moorage.events import SYSTEM
from moorage.oci.digest import Digest, Hasher

log = logging.getLogger("moorage.blobs")


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


async def look(plane: Plane, blob: Stored) -> Look:
    """Compare what is stored with the row, without reading it. An object store is asked once."""
    stat = await plane.storage.stat(blob.key)
    if stat is None:
        return Look.LOST
    if stat.size_bytes != blob.size_bytes:
        return Look.SHORT
    return Look.WHOLE if stat.seal == blob.seal else Look.TOUCHED


async def is_whole(plane: Plane, digest: Digest, blob: Stored) -> bool:
    """Whether somebody may be told that the blob is here: touched bytes are hashed, and sealed anew when right."""
    seen = await look(plane, blob)
    if seen is Look.WHOLE:
        return True
    if seen.is_damage:
        alarm(plane, digest, blob, seen)
        return False
    plane.metrics.counters["moorage_blob_verified_total"] += 1
    try:
        async for _ in verified(plane, digest, blob):
            pass
    except BlobDamaged:
        return False
    return True


async def verified(plane: Plane, digest: Digest, blob: Stored) -> AsyncIterator[bytes]:
    """The bytes of a touched blob; the last piece only when all of them are right, and sealed anew.

    Raises:
        BlobDamaged: they are not what the digest says, or there are too few of them.
    """
    before = await plane.storage.stat(blob.key)
    hasher = Hasher(digest.algorithm)
    held: bytes | None = None
    async for piece in plane.storage.read(blob.key, 0, blob.size_bytes):
        if held is not None:
            yield held
        hasher.update(piece)
        held = piece
    if hasher.digest() != digest:
        alarm(plane, digest, blob, Look.TOUCHED)
        raise BlobDamaged(digest=str(digest), headers={"Retry-After": "60"})
    after = await plane.storage.stat(blob.key)
    if before is not None and after is not None and before.seal == after.seal and after.seal is not None:
        await plane.database.run(SYSTEM, blobs.set_seal, blob, after.seal)
    if held is not None:
        yield held


def alarm(plane: Plane, digest: Digest, blob: Stored, seen: Look) -> None:
    """Count damage, and say which file it is and what mends it."""
    plane.metrics.counters["moorage_blob_damaged_total"] += 1
    log.error(
        "the stored bytes of %s (%s) are %s; push it again, or bring the file back from a backup",
        digest, blob.key, seen.value,
    )  # fmt: skip

"""Compare storage and database in both directions, report damage and repair what is possible.

Beside a server that works: what is on its way is never taken for damage. Bytes have a row before they are stored, so
a list of the storage that was made first knows nothing that the rows, asked afterwards, do not.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from sqlalchemy import bindparam, func, insert, select, text, update

from moorage.blobs.corrupt_blobs import forget_damage, note_damage
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import BlobDamaged
from moorage.events import SYSTEM
from moorage.gc.counter_checks import find_wrong, list_projects, mend
from moorage.ids import UploadId
from moorage.oci.digest import Digest, Hasher
from moorage.repositories.lookup import Stored
from moorage.repositories.tables import Artifact, ArtifactBlob, Blob, Repository, Tag, Upload
from moorage.storage import keys
from moorage.storage.base import Progress, Storage

BATCH = 500
_AT_ONCE = 8
_BROKEN = 20

Damage = Literal["lost", "short", "wrong", "touched", "unknown", "leftover", "sum"]
MEANINGS: dict[Damage, str] = {
    "lost": "the bytes of a blob are missing",
    "short": "the bytes of a blob are too few or too many",
    "wrong": "the bytes of a blob are not what its digest says",
    "touched": "somebody touched the file of a blob; its bytes are right",
    "unknown": "no row names these bytes",
    "leftover": "bytes of an upload that no row knows",
    "sum": "a counter or a flag is not what the rows say",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One damage.

    Attributes:
        key: where in the storage; of a leftover the upload's id; of a sum `project NAME: COUNTER`, or `repository
            PATH:` and a counter or a flag.
        digest: of the blob; empty where the name tells none.
        size_bytes: as the row says; of what is unknown as the storage says.
        breaks: up to 20 of the references that cannot be pulled because of it, as `repository:tag` or
            `repository@digest`; `breaks_count`: how many there are.
        mended: how it was mended; empty: it was not.
        counted, expected: of a sum: what the counter says, and what the rows say; of a flag how many artifacts have it
            wrong, and 0.
    """

    damage: Damage
    key: str
    digest: str = ""
    size_bytes: int = 0
    breaks: tuple[str, ...] = ()
    breaks_count: int = 0
    mended: str = ""
    counted: int = 0
    expected: int = 0


@dataclass(slots=True)
class Checked:
    """How far a check has come. `total`: blobs in the rows when it began; `projects`: whose sums were counted anew."""

    total: int = 0
    projects: int = 0
    objects: int = 0
    blobs: int = 0
    hashed_bytes: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Options of a check.

    Attributes:
        rehash: read and hash every blob.
        repair: seal touched files anew, give a damaged blob other bytes of its digest where some lie about, remove
            leftovers of uploads, and count sums anew.
        delete_unknown: give bytes that no row names to the collector.
    """

    rehash: bool = False
    repair: bool = False
    delete_unknown: bool = False


Watch = Callable[[Checked], Awaitable[None]]


class _Row(NamedTuple):
    id: int
    digest: bytes
    size_bytes: int
    key: str
    seal: str | None


_ids: Any = bindparam("ids", expanding=True)
_keys: Any = bindparam("keys", expanding=True)
_COUNT = select(func.count()).select_from(Blob).where(text("blob.state = 'live'"))
_KNOWN = select(Blob.id, Blob.state, Blob.key).where(Blob.key.in_(_keys))
_PAGE = (
    select(Blob.id, Blob.digest, Blob.size_bytes, Blob.key, Blob.seal)
    .where(Blob.id > bindparam("after"), Blob.state == "live")
    .order_by(Blob.id)
    .limit(BATCH)
)
_AGAIN = select(Blob.id, Blob.digest, Blob.size_bytes, Blob.key, Blob.seal).where(
    Blob.id == bindparam("blob"), Blob.state == "live"
)
_LOCKED = _AGAIN.where(Blob.key == bindparam("at")).with_for_update()
_SEAL = update(Blob).where(Blob.id == bindparam("blob")).values(seal=bindparam("new_seal"))
_MOVE = update(Blob).where(Blob.id == bindparam("blob")).values(key=bindparam("new_key"), seal=bindparam("new_seal"))
_USERS = select(ArtifactBlob.artifact_id).where(ArtifactBlob.blob_id == bindparam("blob")).distinct()
_BREAKS = (
    select(Repository.path, Artifact.digest, func.min(Tag.name))
    .select_from(Artifact)
    .join(Repository, Repository.id == Artifact.repository_id)
    .outerjoin(Tag, Tag.artifact_id == Artifact.id)
    .where(Artifact.id.in_(_USERS), Artifact.trash_id.is_(None), Repository.trash_id.is_(None))
    .group_by(Repository.path, Artifact.digest)
    .order_by(Repository.path, Artifact.digest)
)
_UPLOADS = select(Upload.id).where(Upload.id.in_(_ids))


class Fsck:
    """One check."""

    def __init__(self, database: Database, storage: Storage, wanted: Wanted) -> None:
        self._database = database
        self._storage = storage
        self._wanted = wanted
        self._seen = bytearray()
        self._unknown: dict[str, list[tuple[str, int]]] = {}
        self._checked = Checked()

    async def run(self, watch: Watch) -> Checked:
        """Check everything. Memory: one bit for each blob, and the findings.

        Raises:
            DatabaseUnavailable, StorageUnavailable: it could not be done; nothing is half mended.
        """
        checked = self._checked
        checked.total = await self._database.run(SYSTEM, _count)
        async for batch in _batched(self._storage.walk()):
            await self._know(batch)
            checked.objects += len(batch)
            await watch(checked)
        last = 0
        while rows := await self._database.run(SYSTEM, _page, last):
            last = rows[-1].id
            turns = asyncio.Semaphore(_AT_ONCE)
            found = await asyncio.gather(*(self._look(row, turns) for row in rows))
            for one in found:
                if one is not None:
                    checked.findings.append(await self._judge(*one))
            checked.blobs += len(rows)
            await watch(checked)
        await self._judge_unknown()
        await self._look_at_uploads()
        await self._count(watch)
        return checked

    # -- sums

    async def _count(self, watch: Watch) -> None:
        last = 0
        while projects := await self._database.run(SYSTEM, list_projects, last):
            for last, name in projects:
                wrong = await self._database.look(find_wrong, last, name)
                mended = ""
                if wrong and self._wanted.repair:
                    mended = "counted anew" if await self._database.run(SYSTEM, mend, last) else ""
                self._checked.findings += [
                    Finding("sum", what, mended=mended, counted=counted, expected=expected)
                    for what, counted, expected in wrong
                ]
                self._checked.projects += 1
                await watch(self._checked)

    # -- what is stored

    async def _know(self, batch: Sequence[tuple[str, int]]) -> None:
        known = await self._database.run(SYSTEM, _find_known, [key for key, _ in batch])
        for key, size in batch:
            if key in known:
                self._mark(known[key])
                continue
            digest = keys.find_digest(key)
            self._unknown.setdefault("" if digest is None else str(digest), []).append((key, size))

    def _mark(self, blob: int) -> None:
        if blob // 8 >= len(self._seen):
            self._seen.extend(bytes(blob // 8 + 4096 - len(self._seen)))
        self._seen[blob // 8] |= 1 << blob % 8

    def _was_seen(self, blob: int) -> bool:
        return blob // 8 < len(self._seen) and bool(self._seen[blob // 8] & 1 << blob % 8)

    # -- what the rows say

    async def _look(self, row: _Row, turns: asyncio.Semaphore) -> tuple[_Row, Damage, str | None] | None:
        """The damage of a blob, with the seal of its bytes when they are right all the same."""
        async with turns:
            if row.seal is None and self._was_seen(row.id) and not self._wanted.rehash:
                return None  # an object store vouches for its bytes, and one of its lists shows a thousand of them
            stat = await self._storage.stat(row.key)
            if stat is None:
                return row, "lost", None
            if stat.size_bytes != row.size_bytes:
                return row, "short", None
            if stat.seal == row.seal and not self._wanted.rehash:
                return None
            seal = await self._hash(row.key, Digest.from_binary(row.digest), row.size_bytes)
            if seal is _WRONG:
                return row, "wrong", None
            return None if stat.seal == row.seal else (row, "touched", seal)

    async def _hash(self, key: str, digest: Digest, size: int) -> str | None:
        """The seal of bytes that are what the digest says and were so all the time; `_WRONG`."""
        before = await self._storage.stat(key)
        hasher = Hasher(digest.algorithm)
        try:
            async for piece in self._storage.read(key, 0, size):
                await asyncio.to_thread(hasher.update, piece)
                self._checked.hashed_bytes += len(piece)
        except BlobDamaged:
            return _WRONG
        after = await self._storage.stat(key)
        if before is None or before != after or hasher.digest() != digest:
            return _WRONG
        return before.seal

    async def _judge(self, row: _Row, damage: Damage, seal: str | None) -> Finding:
        """Look again under the row as it is now, which may have been healed or collected meanwhile; and mend."""
        digest = Digest.from_binary(row.digest)
        if damage == "touched":
            mended = ""
            if self._wanted.repair and await self._database.run(SYSTEM, _seal, row, seal):
                mended = "sealed anew"
            return Finding(damage, row.key, str(digest), row.size_bytes, mended=mended)
        mended = await self._replace(row, digest) if self._wanted.repair else ""
        if not mended:
            await self._database.run(SYSTEM, note_damage, Stored(row.id, row.key, row.size_bytes, row.seal))
        breaks, count = ((), 0) if mended else await self._database.run(SYSTEM, _find_broken, row.id)
        return Finding(damage, row.key, str(digest), row.size_bytes, breaks, count, mended)

    async def _replace(self, row: _Row, digest: Digest) -> str:
        """Give a damaged blob bytes that no row names and that are what its digest says, as a push heals it."""
        for key, size in list(self._unknown.get(str(digest), ())):
            if size != row.size_bytes:
                continue
            seal = await self._hash(key, digest, size)
            if seal is not _WRONG and await self._database.run(SYSTEM, _replace, row, key, seal):
                self._unknown[str(digest)].remove((key, size))
                return f"given the bytes of {key}"
        return ""

    # -- what no row names

    async def _judge_unknown(self) -> None:
        for digest, found in sorted(self._unknown.items()):
            for key, size in found:
                mended = ""
                if self._wanted.delete_unknown and digest:
                    await self._database.run(SYSTEM, _doom, key, Digest(digest), size)
                    mended = "given to the collector"
                self._checked.findings.append(Finding("unknown", key, digest, size, mended=mended))

    async def _look_at_uploads(self) -> None:
        found = [upload async for upload in self._storage.uploads()]
        for start in range(0, len(found), BATCH):
            part = found[start : start + BATCH]
            known = await self._database.run(SYSTEM, _find_uploads, part)
            unknown = [upload for upload in part if upload not in known]
            # One that ended between the two looks has neither row nor bytes by now.
            still = {upload async for upload in self._storage.uploads()} if unknown else set()
            for upload in unknown:
                if upload not in still:
                    continue
                if self._wanted.repair:
                    await self._storage.abort(UploadId(upload), Progress())
                mended = "removed" if self._wanted.repair else ""
                self._checked.findings.append(Finding("leftover", upload, mended=mended))


_WRONG = "wrong"
"""No seal has this form."""


async def _batched(entries: AsyncIterator[tuple[str, int]]) -> AsyncIterator[list[tuple[str, int]]]:
    batch: list[tuple[str, int]] = []
    async for entry in entries:
        batch.append(entry)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


# -- transactions -------------------------------------------------------------------------------------------


def _count(work: Work) -> int:
    return int(work.db.execute(_COUNT).scalar_one())


def _find_known(work: Work, wanted: list[str]) -> dict[str, int]:
    """The rows that name these keys. A file under the key of deleted bytes is the collector's to delete once more."""
    return {key: id_ for id_, _, key in work.db.execute(_KNOWN, {"keys": wanted})}


def _page(work: Work, after: int) -> list[_Row]:
    return [_Row(row[0], bytes(row[1]), *row[2:]) for row in work.db.execute(_PAGE, {"after": after})]


def _find_uploads(work: Work, uploads: Sequence[str]) -> set[str]:
    return set(work.db.execute(_UPLOADS, {"ids": list(uploads)}).scalars())


def _find_broken(work: Work, blob: int) -> tuple[tuple[str, ...], int]:
    rows = work.db.execute(_BREAKS, {"blob": blob}).all()
    names = [
        f"{path}:{tag}" if tag is not None else f"{path}@{Digest.from_binary(bytes(digest))}"
        for path, digest, tag in rows[:_BROKEN]
    ]
    return tuple(names), len(rows)


def _seal(work: Work, row: _Row, seal: str | None) -> bool:
    if work.db.execute(_LOCKED, {"blob": row.id, "at": row.key}).first() is None:
        return False
    work.db.execute(_SEAL, {"blob": row.id, "new_seal": seal})
    forget_damage(work, row.id)
    return True


def _replace(work: Work, row: _Row, key: str, seal: str | None) -> bool:
    """Move a live row to bytes that no row names, and bury its old place; False when the row is not what it was."""
    if work.db.execute(_LOCKED, {"blob": row.id, "at": row.key}).first() is None:
        return False
    work.db.execute(_MOVE, {"blob": row.id, "new_key": key, "new_seal": seal})
    forget_damage(work, row.id)
    _bury(work, row.key, row.digest, row.size_bytes)
    return True


def _doom(work: Work, key: str, digest: Digest, size: int) -> None:
    _bury(work, key, digest.binary, size)


def _bury(work: Work, key: str, digest: bytes, size: int) -> None:
    values = {"key": key, "digest": digest, "size_bytes": size, "state": "doomed"}
    work.db.execute(insert(Blob).values(**values, changed_at=db_now()))

"""Our own content with the interface of a remote registry, for `remotes/artifact_copy.py`.

Who may copy what is decided before: here everything is seen, as by the system itself. What is written is charged, ruled
and told like any push.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import replace
from time import monotonic

import msgspec

from moorage import failpoints
from moorage.artifacts import push
from moorage.blobs import receive, uploads
from moorage.blobs.blob_integrity import Look, Shelf, alarm, is_whole, keep_promise, look
from moorage.blobs.monolithic_upload import WHOLE_BYTES, gather, once, take_whole
from moorage.blobs.receive import Chunk, Found
from moorage.db.statements import Query
from moorage.errors import (
    BlobDamaged,
    BlobUnknown,
    DigestInvalid,
    ManifestUnknown,
    Problem,
    ProjectUnknown,
    RemoteBusy,
    RemoteUnavailable,
    UploadBusy,
    UploadInvalid,
    UploadUnknown,
)
from moorage.events import Actor
from moorage.ids import UploadId
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest, compute
from moorage.oci.media_types import OCI_INDEX
from moorage.oci.names import parse_repository, parse_tag
from moorage.remotes.blob_upload import JOURNAL_BYTES, Feed, Journal, Read
from moorage.remotes.registry_reader import Referrer, RemoteManifest, read_referrers, referrers_tag
from moorage.repositories.creation import Destination
from moorage.repositories.lookup import FoundBlob, Stored, find_stored, list_referrers, list_tags
from moorage.storage.base import LocalFile, Progress

_PAGE = 1_000
_STEP_SECONDS = 5.0
"""How long a large blob is received before what came is made safe: what a killed copy has to wait for again."""

_OWNED = """FROM repository r
JOIN project p ON p.id = r.project_id AND p.trash_id IS NULL"""
_BY_TAG = Query(
    f"""SELECT a.digest, a.media_type, m.bytes
{_OWNED}
JOIN tag t ON t.repository_id = r.id AND t.name = $2
JOIN artifact a ON a.id = t.artifact_id
JOIN manifest m ON m.artifact_id = a.id
WHERE r.path = $1 AND r.trash_id IS NULL"""
)
_BY_DIGEST = Query(
    f"""SELECT a.digest, a.media_type, m.bytes
{_OWNED}
JOIN artifact a ON a.repository_id = r.id AND a.digest = $2 AND a.trash_id IS NULL
JOIN manifest m ON m.artifact_id = a.id
WHERE r.path = $1 AND r.trash_id IS NULL"""
)
_REPOSITORY = Query(f"SELECT r.id {_OWNED} WHERE r.path = $1 AND r.trash_id IS NULL")
_BLOB = Query(
    f"""SELECT b.id, b.key, b.size_bytes, b.seal, {{left:l.lease_until}}, r.id
{_OWNED}
JOIN blob b ON b.digest = $2 AND b.state = 'live'
JOIN repository_blob l ON l.repository_id = r.id AND l.blob_id = b.id AND NOT l.hidden
WHERE r.path = $1 AND r.trash_id IS NULL"""
)
_HOLDER = Query(
    """SELECT r.path, b.id, b.key, b.size_bytes, b.seal
FROM blob b
JOIN repository_blob l ON l.blob_id = b.id AND l.project_id = $1 AND NOT l.hidden
JOIN repository r ON r.id = l.repository_id AND r.trash_id IS NULL AND r.path <> $3
WHERE b.digest = $2 AND b.state = 'live' LIMIT 1"""
)
_PROJECT = Query("SELECT id, epoch FROM project WHERE name = $1 AND trash_id IS NULL")


class Local:
    """This registry, as `remotes.copy` sees another: a `Source` and a `Target`. Repositories are whole names."""

    takes_whole_blobs = False
    compares = True

    def __init__(self, shelf: Shelf, actor: Actor) -> None:
        """Take this server's content, to be changed in the name of `actor`."""
        self._shelf = shelf
        self._actor = actor
        self._read = shelf.database.read

    # -- manifests ------------------------------------------------------------------------------------------

    async def get_manifest(self, repository: str, reference: str) -> RemoteManifest:
        """A manifest by tag or digest.

        Raises:
            ManifestUnknown: it is not there.
        """
        if ":" in reference:
            row = await self._read.one(_BY_DIGEST, repository, Digest(reference).binary)
        else:
            row = await self._read.one(_BY_TAG, repository, reference)
        if row is None:
            raise ManifestUnknown(repository=repository, reference=reference)
        return RemoteManifest(Digest.from_binary(bytes(row[0])), row[1], bytes(row[2]))

    async def find_manifest(self, repository: str, reference: str) -> Digest | None:
        """The digest that a tag or a digest leads to; None when it is not there."""
        with suppress(ManifestUnknown):
            return (await self.get_manifest(repository, reference)).digest
        return None

    async def list_tags(self, repository: str) -> AsyncIterator[str]:
        """The tags of a repository in byte order; none of one that is not there."""
        row, last = await self._read.one(_REPOSITORY, repository), ""
        while row is not None:
            names = await list_tags(self._read, row[0], last, _PAGE)
            for name in names:
                yield name
            if len(names) < _PAGE:
                return
            last = names[-1]

    async def list_referrers(self, repository: str, subject: Digest) -> list[Referrer]:
        """What refers to a manifest, by itself or in the index under the tag that stands for it."""
        row = await self._read.one(_REPOSITORY, repository)
        if row is None:
            return []
        found: dict[Digest, Referrer] = {}
        after = 0
        while True:
            rows = await list_referrers(self._read, row[0], subject, artifact_type=None, after=after, limit=_PAGE)
            for one in rows:
                digest = Digest.from_binary(bytes(one[1]))
                found[digest] = Referrer(digest, one[2], one[3], one[4], _read_annotations(one[5]))
            if len(rows) < _PAGE:
                break
            after = rows[-1][0]
        with suppress(ManifestUnknown):
            index = await self.get_manifest(repository, referrers_tag(subject))
            if index.media_type == OCI_INDEX:
                listed = msgspec.json.decode(index.raw).get("manifests") or []
                for entry in read_referrers(listed):
                    found.setdefault(entry.digest, entry)
        return list(found.values())

    async def put_manifest(self, repository: str, reference: str, raw: bytes, media_type: str) -> bool:
        """Record a manifest under a tag or its digest. Children of an index may be missing: the copier chose them.

        Raises:
            ManifestInvalid, ManifestBlobUnknown, TagImmutable, QuotaExceeded: as for a push.
            ProjectUnknown: there is no such project.
        """
        to = await self._destination(repository)
        digest = compute(raw, Digest(reference).algorithm if ":" in reference else "sha256")
        tags = () if ":" in reference else (parse_tag(reference),)
        parsed = manifests.parse(raw, media_type)
        await self._shelf.database.run(self._actor, push.record, to, digest, parsed, raw, tags=tags, sparse=True)
        failpoints.point("manifest.done")
        return True

    # -- blobs ----------------------------------------------------------------------------------------------

    async def find_blob(self, repository: str, digest: Digest) -> int | None:
        """The size of a blob in bytes; None when it is not there. What is found stays for half a lease."""
        found = await self.find_row(repository, digest)
        if found is None or not await is_whole(self._shelf, digest, found):
            return None
        try:
            await keep_promise(self._shelf, found)
        except BlobUnknown:
            return None
        return found.size_bytes

    async def read_blob(
        self,
        repository: str,
        digest: Digest,
        size_bytes: int,  # noqa: ARG002 - ours are compared with their rows
        *,
        start: int = 0,
        compare: bool = True,  # noqa: ARG002 - as before: they were compared when they came
    ) -> AsyncIterator[bytes]:
        """The bytes of a blob from `start` on.

        Raises:
            BlobUnknown: it is not there.
            BlobDamaged: its bytes are lost or wrong.
        """
        for _, blob in await find_stored(self._read, repository, [digest]):
            seen = await look(self._shelf, blob)
            if seen.is_damage:
                await alarm(self._shelf, digest, blob, seen)
                raise BlobDamaged(digest=str(digest))
            if seen is Look.TOUCHED and not await is_whole(self._shelf, digest, blob):
                raise BlobDamaged(digest=str(digest))
            async for piece in self._shelf.storage.read(blob.key, start):
                yield piece
            return
        raise BlobUnknown(repository=repository, digest=str(digest))

    async def put_blob(
        self,
        repository: str,
        digest: Digest,
        size_bytes: int,
        read: Read,
        *,
        mount_from: str = "",  # noqa: ARG002 - whoever has it in the same project is found without
        chunk_bytes: int = 0,  # noqa: ARG002 - nothing lies between us and ourselves
        file: LocalFile | None = None,
        journal: Journal | None = None,
    ) -> bool:
        """Receive a blob; or mount it, from any other repository of the same project.

        Not from another project: who may read this one need not know what that one holds.

        A storage that can takes `file`, what `read` would read, as it is. With a `journal` a large blob is received in
        steps, and what was received of it before is gone on with.

        Raises:
            ProjectUnknown: there is no such project.
            QuotaExceeded: it has no room.
            DigestInvalid, SizeInvalid: the bytes are not what they were said to be.
        """
        to = await self._destination(repository)
        if await self._mount(to, digest):
            return True
        if 0 < size_bytes <= WHOLE_BYTES and file is None and self._shelf.has_files:
            data = await gather(read(0))
            if len(data) == size_bytes and await take_whole(self._shelf, self._actor, to, digest, data):
                return False
            read = lambda start: once(data[start:])  # noqa: E731 - a `Read` of what was read once
        journal = journal if size_bytes >= JOURNAL_BYTES else None
        found = await self._find_upload(to, digest, journal)
        if found is not None:
            with suppress(DigestInvalid, UploadBusy, UploadInvalid, UploadUnknown):  # what cannot be gone on with
                await self._receive(found, digest, size_bytes, read, journal)
                return False
        found = await self._open_upload(to, digest, journal)
        await self._receive(found, digest, size_bytes, read, journal, file=file)
        return False

    async def _receive(
        self,
        found: Found,
        digest: Digest,
        size_bytes: int,
        read: Read,
        journal: Journal | None,
        *,
        file: LocalFile | None = None,
    ) -> None:
        """Receive what an upload lacks, and make the blob live. What fails leaves it only to be gone on with."""
        feed = Feed(read)
        try:
            while journal is not None and found.progress.size_bytes < size_bytes:
                found = await self._receive_step(found, size_bytes, feed)
            start = found.progress.size_bytes
            body = _Body(read(0))  # to its end: so a source can use its connection again
            await receive.close(self._shelf, found, digest, Chunk(start, size_bytes - start), body, file=file)
        except BaseException as problem:
            if journal is None or not isinstance(problem, RemoteBusy | RemoteUnavailable):
                with suppress(Problem):
                    await receive.kill(self._shelf, found.upload)
            raise
        finally:
            await feed.close()

    async def _open_upload(self, to: Destination, digest: Digest, journal: Journal | None) -> Found:
        settings = self._shelf.settings.uploads
        opening = asyncio.ensure_future(
            self._shelf.database.run(
                self._actor, uploads.create_upload, to,
                algorithm=digest.algorithm, expiry_seconds=settings.expiry_seconds, open_limit=settings.open_limit,
            )
        )  # fmt: skip
        try:
            upload = await asyncio.shield(opening)
        except asyncio.CancelledError:  # another blob of this copy failed: it is committed all the same
            with suppress(Problem):
                await receive.kill(self._shelf, await opening)
            raise
        failpoints.point("upload.created")
        try:
            progress = await self._shelf.storage.start(upload)
            failpoints.point("upload.started")
            if journal is not None:
                await journal.note(digest, upload)
        except BaseException:
            with suppress(Problem):
                await receive.kill(self._shelf, upload)
            raise
        return Found(upload, to.path, progress, 0, digest.algorithm, self._actor)

    async def _find_upload(self, to: Destination, digest: Digest, journal: Journal | None) -> Found | None:
        """The upload that a copy before this one began; None: there is none, or it is not ours to go on with."""
        noted = UploadId(journal.find(digest)) if journal is not None else ""
        row = await self._read.one(uploads.FIND_UPLOAD, to.path, noted, None) if noted else None
        if row is None or row[10] != self._actor.principal_id or row[9] != digest.algorithm:
            return None
        progress = Progress(size_bytes=row[5], hash_state=bytes(row[7]), driver=row[8])
        return Found(UploadId(noted), to.path, progress, row[6], row[9], self._actor)

    async def _receive_step(self, found: Found, size_bytes: int, feed: Feed) -> Found:
        """Receive what comes of a blob for some seconds, and make it safe. There has to be room for all of it."""
        start = found.progress.size_bytes
        claimed = await self._shelf.database.run(
            self._actor, uploads.claim_upload, found.upload, offset=start, length=size_bytes - start
        )
        body = _Body(_take_a_while(feed, start, size_bytes))
        progress = await receive.write(self._shelf, claimed, body, None, keep_claim=False)
        return replace(found, progress=progress)

    async def mount_blob(self, repository: str, digest: Digest) -> bool:
        """Link a blob that another repository of the same project has; False: none has it, or there is no room.

        Raises:
            ProjectUnknown: there is no such project.
        """
        return await self._mount(await self._destination(repository), digest)

    async def find_row(self, repository: str, digest: Digest) -> FoundBlob | None:
        """Where the bytes of a blob are; None when the repository does not show it. Nobody looks at them."""
        row = await self._read.one(_BLOB, repository, digest.binary)
        return None if row is None else FoundBlob(*row)

    async def _mount(self, to: Destination, digest: Digest) -> bool:
        row = await self._read.one(_HOLDER, to.project_id, digest.binary, to.path)
        if row is None or not await is_whole(self._shelf, digest, Stored(*row[1:])):
            return False
        return await self._shelf.database.run(
            self._actor, uploads.mount_blob, to, digest, source=replace(to, path=row[0]),
            lease_seconds=self._shelf.settings.uploads.lease_seconds,
        )  # fmt: skip

    async def _destination(self, repository: str) -> Destination:
        name = parse_repository(repository)
        row = await self._read.one(_PROJECT, name.project)
        if row is None:
            raise ProjectUnknown(f"There is no project '{name.project}'.", project=name.project)
        return Destination(row[0], row[1], name.text)


class _Body:
    """The bytes of another registry as `receive` takes them. What it raises ends the upload."""

    broken = False

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    def pieces(self) -> AsyncIterator[bytes]:
        """All of them."""
        return self._pieces


async def _take_a_while(feed: Feed, start: int, stop: int) -> AsyncIterator[bytes]:
    """What a feed gives in `_STEP_SECONDS`, one piece at least."""
    until = monotonic() + _STEP_SECONDS
    async with aclosing(feed.take(start, stop)) as pieces:
        async for piece in pieces:
            yield piece
            if monotonic() >= until:
                return


def _read_annotations(stored: object) -> dict[str, str]:
    """Annotations as a row has them: JSON in text on SQLite."""
    found = msgspec.json.decode(stored) if isinstance(stored, str | bytes) else stored
    return found if isinstance(found, dict) else {}

"""Store blobs in an object store; S3, GCS and Azure each add one small file.

Nothing is renamed, joined or copied: the bytes stay where they were first written (see `segments`). What the
store acknowledges is durable; a delete may come late. Neither a conditional put nor a copy is needed.
"""

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec
import obstore
from obstore.exceptions import BaseError, NotFoundError

from moorage import failpoints
from moorage.errors import BlobDamaged, Problem, StorageUnavailable, UploadUnknown
from moorage.ids import UploadId
from moorage.oci.digest import Digest, Hasher
from moorage.storage import keys
from moorage.storage.base import LocalFile, Progress, Stat, delete_in_turn
from moorage.storage.body_writer import Lane, settle
from moorage.storage.multipart_upload import STREAM_BYTES, Missing, Store, Writer, chained, take, translated
from moorage.storage.upload_segments import BlobKey, Chain, Segment, blob_key, follow, is_segment

if TYPE_CHECKING:  # these exist for the type checker only
    from obstore import GetOptions

PART_BYTES = 8 * 1024 * 1024
SEGMENT_BYTES = 8_000 * PART_BYTES
"""One object takes 10,000 parts at most. An append that passes this size, 62.5 GiB, goes on in another segment, so
parts need not grow with the blob and memory stays bounded whatever the length."""

_PIECE_BYTES = 1024 * 1024
_CONTENTS_KEPT = 1024
_READ_ATTEMPTS = 3


class Objects:
    """Keeps blobs in an object store. See `Storage` for what the methods promise."""

    kind: ClassVar[str]

    def __init__(self, store: Store, *, part_bytes: int = PART_BYTES, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._store = store
        self._part_bytes = part_bytes
        self._segment_bytes = segment_bytes
        self._pool = ThreadPoolExecutor(thread_name_prefix="storage-hash")
        self._contents: OrderedDict[str, list[Segment]] = OrderedDict()

    async def open(self) -> None:
        """Check that a write works."""
        await self.check()

    async def close(self) -> None:
        """End the threads."""
        await asyncio.to_thread(self._pool.shutdown)

    async def check(self) -> None:
        """Write, read back and delete a few bytes."""
        name, said = f"temporary/check-{secrets.token_hex(16)}", secrets.token_bytes(16)
        with translated():
            await obstore.put_async(self._store, name, said, use_multipart=False)
            heard = bytes(await (await obstore.get_async(self._store, name)).bytes_async())
            await obstore.delete_async(self._store, name)
        if heard != said:
            raise StorageUnavailable("what was written does not read back")

    # -- objects

    async def put(self, key: str, pieces: AsyncIterator[bytes]) -> Stat:
        """Store an object under its own name, in parts when it is large."""
        keys.require_own_key(key)
        head, whole = await take(aiter(pieces), self._part_bytes)
        if whole:
            with translated():
                await obstore.put_async(self._store, key, head, use_multipart=False)
            return Stat(len(head), None)
        writer = Writer(self._store, key, self._part_bytes)
        try:
            await writer.send(head)
            async for piece in pieces:
                await writer.send(piece)
            await writer.finish()
        except BaseException as error:
            await writer.fail(error)
            raise
        return Stat(writer.size_bytes, None)

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of an object; the next segment is asked for while one is being read."""
        keys.require_key(key)
        if start < 0 or (stop is not None and stop < start):
            raise ValueError(f"no range: {start} to {stop}")
        blob = BlobKey.find(key)
        name = key if blob is None else blob.only_segment()
        if name is not None:
            async for piece in self._read_object(name, start, stop):
                yield piece
            return
        segments = await self._list_contents(key)
        async for piece in self._read_segments(segments, start, stop):
            yield piece

    async def stat(self, key: str) -> Stat | None:
        """Size; no seal, because the store vouches for the bytes itself. One request."""
        keys.require_key(key)
        blob = BlobKey.find(key)
        if blob is not None:
            listed = await self._list_upload(blob.upload)
            segments = follow(blob.chain, listed) if any(found.name == key for found in listed) else None
            return None if segments is None else Stat(_size(segments), None)
        try:
            with translated():
                return Stat((await obstore.head_async(self._store, key))["size"], None)
        except Missing:
            return None

    async def delete(self, key: str) -> None:
        """Remove an object; a blob with all its segments, those of failed attempts too, and the contents last.

        A place that was never finished has no contents: then the segments are still an upload's, and stay.
        """
        keys.require_key(key)
        blob = BlobKey.find(key)
        self._contents.pop(key, None)
        if blob is not None:
            listed = await self._list_upload(blob.upload)
            kept = {
                segment
                for found in listed
                if found.name != key and (other := BlobKey.find(found.name)) is not None
                for segment in follow(other.chain, listed) or ()
            }
            if any(found.name == key for found in listed):
                await self._remove([found.name for found in listed if is_segment(found.name) and found not in kept])
        await self._remove([key])

    async def delete_many(self, wanted: Sequence[str]) -> dict[str, Problem]:
        """Remove several: two or three requests for each."""
        return await delete_in_turn(self.delete, wanted)

    async def walk(self) -> AsyncIterator[tuple[str, int]]:
        """All finished blobs and ordinary objects, in the order in which the store lists them: by the bytes."""
        async for name, group in self._list_groups(""):
            if name is None:
                for found in group:
                    if not found.name.startswith("temporary/"):
                        yield found.name, found.size_bytes
                continue
            for found in group:
                blob = BlobKey.find(found.name)
                segments = None if blob is None else follow(blob.chain, group)
                if segments is not None:
                    yield found.name, _size(segments)

    # -- serving

    def path(self, key: str) -> None:
        """None: there is no local file."""
        keys.require_key(key)

    async def url(self, key: str, ttl_seconds: int) -> str | None:
        """A signed URL, when all the bytes are in one object."""
        keys.require_key(key)
        blob = BlobKey.find(key)
        name = key if blob is None else blob.only_segment()
        if name is None:
            return None
        with translated():
            return await obstore.sign_async(self._store, "GET", name, timedelta(seconds=ttl_seconds))

    # -- uploads

    def place(self, digest: Digest, upload: UploadId, progress: Progress, *, first: bool) -> str:
        """The name of the object that will list the upload's segments."""
        del first
        return blob_key(digest, upload, Chain.read(progress.driver))

    async def start(self, upload: UploadId) -> Progress:
        """Nothing: an upload begins with its first segment."""
        keys.require_upload(upload)
        return Progress()

    async def append(
        self,
        upload: UploadId,
        progress: Progress,
        pieces: AsyncIterator[bytes],
        hasher: Hasher | None,
        *,
        takeover: bool,
    ) -> Progress:
        """Write one segment, or more when it grows too large for one object; none when there are no bytes."""
        del takeover  # every attempt has a name of its own, so there is nothing to guard
        keys.require_upload(upload)
        if hasher is not None and hasher.size_bytes == 0:
            async for piece in self.read_upload(upload, progress):
                await self._hash(hasher, piece)
        if hasher is not None and hasher.size_bytes != progress.size_bytes:
            raise ValueError(f"the hash stands at {hasher.size_bytes}, the upload at {progress.size_bytes}")
        pieces = aiter(pieces)
        head, whole = await take(pieces, self._part_bytes)
        chain, size = Chain.read(progress.driver), len(head)
        if whole:
            chain = await self._append_small(upload, chain, head, hasher)
        else:
            chain, size = await self._append_large(upload, chain, chained(head, pieces), hasher)
        failpoints.point("append.written")
        return Progress(
            size_bytes=progress.size_bytes + size,
            hash_state=hasher.state() if hasher else b"",
            driver=chain.note(),
        )

    async def adopt(self, upload: UploadId, file: LocalFile) -> None:
        """None: the bytes have to be sent to the store."""
        del file
        keys.require_upload(upload)

    def read_upload(self, upload: UploadId, progress: Progress) -> AsyncIterator[bytes]:
        """The segments of an upload, one after the other."""
        keys.require_upload(upload)
        return self._read_upload(upload, progress)

    async def finish(self, upload: UploadId, progress: Progress, key: str) -> Stat:
        """Write the list of segments under the key. Segments of attempts that failed are removed."""
        keys.require_upload(upload)
        chain = Chain.read(progress.driver)
        if BlobKey.find(key) != BlobKey(upload, chain):
            raise UploadUnknown("this upload was taken over after it had got its place; begin a new one")
        segments, others = await self._find_segments(upload, progress)
        with translated():
            await obstore.put_async(self._store, key, msgspec.json.encode(segments), use_multipart=False)
        failpoints.point("commit.renamed")
        with contextlib.suppress(StorageUnavailable):
            await self._remove([found.name for found in others if is_segment(found.name)])
        return Stat(_size(segments), None)

    async def abort(self, upload: UploadId, progress: Progress) -> None:
        """Remove an upload's segments, unless it is finished: then they are a blob's."""
        del progress
        keys.require_upload(upload)
        listed = await self._list_upload(upload)
        if not any(BlobKey.find(found.name) for found in listed):
            await self._remove([found.name for found in listed])

    async def uploads(self) -> AsyncIterator[UploadId]:
        """The uploads with segments and no contents. Lists the whole store: one request for each 1,000 objects."""
        async for name, group in self._list_groups("uploads"):
            if name is not None and not any(BlobKey.find(found.name) for found in group):
                yield name

    # -- writing

    async def _append_small(self, upload: UploadId, chain: Chain, data: bytes, hasher: Hasher | None) -> Chain:
        """One request."""
        if not data:
            return chain
        token = _new_token()
        failpoints.point("append.piece")
        with translated():
            sent = asyncio.ensure_future(
                obstore.put_async(self._store, chain.next_name(upload, token), data, use_multipart=False)
            )
            try:
                if hasher is not None:
                    await self._hash(hasher, data)
            finally:
                await settle(sent)
        return chain.grown(token)

    async def _append_large(
        self, upload: UploadId, chain: Chain, pieces: AsyncIterator[bytes], hasher: Hasher | None
    ) -> tuple[Chain, int]:
        """Parts of one object, hashed in a thread while they are sent."""
        lane = Lane(self._pool, hasher.update) if hasher is not None else None
        writer: Writer | None = None
        token, size = "", 0
        try:
            async for piece in pieces:
                if writer is None:
                    token = _new_token()
                    writer = Writer(self._store, chain.next_name(upload, token), self._part_bytes)
                if lane is not None:
                    lane.put(piece)
                    if lane.is_behind() or lane.error is not None:
                        await lane.catch_up()
                await writer.send(piece)
                size += len(piece)
                failpoints.point("append.piece")
                if writer.size_bytes >= self._segment_bytes:
                    await writer.finish()
                    chain, writer = chain.grown(token), None
            if writer is not None:
                await writer.finish()
                chain = chain.grown(token)
            if lane is not None:
                await lane.catch_up(0)
        except BaseException:
            if lane is not None:
                await lane.stop()
            if writer is not None:
                await writer.discard()
            raise
        return chain, size

    async def _hash(self, hasher: Hasher, data: bytes) -> None:
        await settle(asyncio.get_running_loop().run_in_executor(self._pool, hasher.update, data))

    # -- reading

    async def _read_upload(self, upload: UploadId, progress: Progress) -> AsyncIterator[bytes]:
        if progress.size_bytes:
            segments, _ = await self._find_segments(upload, progress)
            async for piece in self._read_segments(segments, 0, progress.size_bytes):
                yield piece

    async def _read_segments(self, segments: Sequence[Segment], start: int, stop: int | None) -> AsyncIterator[bytes]:
        total = _size(segments)
        stop = total if stop is None else stop
        if total < max(start, stop):
            raise BlobDamaged
        wanted: list[tuple[str, int, int]] = []
        begin = 0
        for segment in segments:
            end = begin + segment.size_bytes
            if begin < stop and end > start:
                wanted.append((segment.name, max(start, begin) - begin, min(stop, end) - begin))
            begin = end
        ahead = self._ask(wanted[0]) if wanted else None
        try:
            for number, (name, first, last) in enumerate(wanted):
                asked = ahead
                ahead = self._ask(wanted[number + 1]) if number + 1 < len(wanted) else None
                async for piece in self._read_object(name, first, last, asked):
                    yield piece
        finally:
            if ahead is not None:
                ahead.cancel()

    def _ask(self, wanted: tuple[str, int, int]) -> "asyncio.Future[obstore.GetResult]":
        name, start, stop = wanted
        return asyncio.ensure_future(obstore.get_async(self._store, name, options={"range": (start, stop)}))

    async def _read_object(
        self, name: str, start: int, stop: int | None, asked: "asyncio.Future[obstore.GetResult] | None" = None
    ) -> AsyncIterator[bytes]:
        """A range of one object. A broken connection is taken up again where it broke."""
        attempts = _READ_ATTEMPTS
        offset = start
        while offset == start or offset != stop:
            try:
                with translated():
                    found = await (asked or self._get(name, offset, stop))
                size = found.meta["size"]
                stop = size if stop is None else stop
                _require(size >= max(offset, stop))
                async for piece in _stream(found):
                    yield piece
                    offset += len(piece)
                    attempts = _READ_ATTEMPTS
                if offset == stop:
                    return
            except Missing:
                _require(offset > start)
                raise StorageUnavailable("the object was deleted while it was read") from None
            except StorageUnavailable:
                if attempts == 1:
                    raise
            asked = None
            attempts -= 1
            if not attempts:
                raise StorageUnavailable("the answers of the object store ended early")

    async def _get(self, name: str, start: int, stop: int | None) -> "obstore.GetResult":
        """Ask for a range. A range of no bytes cannot be asked for: then only the object's size is."""
        options: GetOptions = {}
        if start == stop or (stop is None and start and (await self._head(name)) <= start):
            options["head"] = True
        elif stop is not None:
            options["range"] = (start, stop)
        elif start:
            options["range"] = {"offset": start}
        try:
            return await obstore.get_async(self._store, name, options=options)
        except (NotFoundError, FileNotFoundError):
            raise
        except BaseError:
            _require(await self._head(name) >= max(start, stop or 0))
            raise

    async def _head(self, name: str) -> int:
        """The size of an object, in bytes."""
        return (await obstore.head_async(self._store, name))["size"]

    async def _list_contents(self, key: str) -> list[Segment]:
        """A blob's segments, from the object that lists them; it never changes, so it is remembered."""
        if (known := self._contents.get(key)) is not None:
            self._contents.move_to_end(key)
            return known
        try:
            with translated():
                data = bytes(await (await obstore.get_async(self._store, key)).bytes_async())
        except Missing:
            raise BlobDamaged from None
        segments = msgspec.json.decode(data, type=list[Segment])
        self._contents[key] = segments
        if len(self._contents) > _CONTENTS_KEPT:
            self._contents.popitem(last=False)
        return segments

    # -- listing

    async def _find_segments(self, upload: UploadId, progress: Progress) -> tuple[list[Segment], list[Segment]]:
        """The segments that count, and whatever else lies there."""
        chain = Chain.read(progress.driver)
        listed = await self._list_upload(upload)
        segments = follow(chain, listed)
        if segments is None or _size(segments) != progress.size_bytes:
            raise UploadUnknown("the bytes of this upload are not there any more; begin a new one")
        return segments, [found for found in listed if found not in segments]

    async def _list_upload(self, upload: UploadId) -> list[Segment]:
        """All objects of one upload. One request for each 1,000."""
        return [found async for found in self._list(f"uploads/{upload}/")]

    async def _list(self, prefix: str) -> AsyncIterator[Segment]:
        with translated():
            stream = aiter(obstore.list(self._store, prefix or None, chunk_size=1000))
        while True:
            with translated():
                batch = await anext(stream, None)
            if batch is None:
                return
            for found in batch:
                yield Segment(found["path"], found["size"])

    async def _list_groups(self, prefix: str) -> AsyncIterator[tuple[UploadId | None, list[Segment]]]:
        """Objects by upload, in order; None: an object that belongs to no upload."""
        group: list[Segment] = []
        current: UploadId | None = None
        async for found in self._list(prefix):
            parts = found.name.split("/", 2)
            upload = UploadId(parts[1]) if parts[0] == "uploads" and keys.is_upload(parts[1]) else None
            if group and (upload is None or upload != current):
                yield current, group
                group = []
            current = upload
            group.append(found)
        if group:
            yield current, group

    async def _remove(self, names: Sequence[str]) -> None:
        if not names:
            return
        with contextlib.suppress(Missing), translated():
            await obstore.delete_async(self._store, names[0] if len(names) == 1 else list(names))


async def _stream(found: "obstore.GetResult") -> AsyncIterator[bytes]:
    """The body of an answer in pieces of at most 1 MiB."""
    with translated():
        stream = aiter(found.stream(STREAM_BYTES))
    while True:
        with translated():
            chunk = bytes(await anext(stream, b""))
        if not chunk:
            return
        for cut in range(0, len(chunk), _PIECE_BYTES):
            yield chunk[cut : cut + _PIECE_BYTES]


def _require(there: bool) -> None:  # noqa: FBT001 - a condition
    """Raise unless the bytes that were asked for are there."""
    if not there:
        raise BlobDamaged from None


def _new_token() -> str:
    return secrets.token_hex(4)


def _size(segments: Sequence[Segment]) -> int:
    return sum(segment.size_bytes for segment in segments)

"""Blobs in memory: for tests, and for trying things out. Nothing survives the process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import ClassVar, Self

from moorage.errors import BlobDamaged, Problem, UploadUnknown
from moorage.ids import UploadId
from moorage.oci.digest import Digest, Hasher
from moorage.settings import Settings
from moorage.storage import keys
from moorage.storage.base import LocalFile, Progress, Stat, delete_in_turn

_PIECE_BYTES = 1024 * 1024


class Memory:
    """Keeps every object in a dictionary. See `Storage` for what the methods promise."""

    kind: ClassVar[str] = "memory"

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._uploads: dict[UploadId, dict[str, bytes]] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """An empty one."""
        del settings
        return cls()

    async def open(self) -> None:
        """Nothing to make."""

    async def close(self) -> None:
        """Nothing to give back."""

    async def check(self) -> None:
        """Memory is always there."""

    # -- objects

    async def put(self, key: str, pieces: AsyncIterator[bytes]) -> Stat:
        """Store an object once all of it is here."""
        keys.require_own_key(key)
        self._objects[key] = b"".join([piece async for piece in pieces])
        return self._stat(key)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of an object."""
        keys.require_key(key)
        return self._read(lambda: self._objects.get(key), start, stop)

    async def stat(self, key: str) -> Stat | None:
        """Size; no seal, nobody else can touch the bytes."""
        keys.require_key(key)
        return self._stat(key) if key in self._objects else None

    async def delete(self, key: str) -> None:
        """Forget an object."""
        keys.require_key(key)
        self._objects.pop(key, None)

    async def delete_many(self, wanted: Sequence[str]) -> dict[str, Problem]:
        """Forget several."""
        return await delete_in_turn(self.delete, wanted)

    async def walk(self) -> AsyncIterator[tuple[str, int]]:
        """All objects."""
        for key in sorted(self._objects):
            if (data := self._objects.get(key)) is not None:
                yield key, len(data)

    # -- serving

    def path(self, key: str) -> Path | None:
        """None: there is no file."""
        keys.require_key(key)
        return None

    async def url(self, key: str, ttl_seconds: int) -> None:
        """None: memory has no URL."""
        del key, ttl_seconds

    # -- uploads

    def place(self, digest: Digest, upload: UploadId, progress: Progress, *, first: bool) -> str:
        """The same places as on a file system."""
        del progress
        return keys.place_in_folders(digest, upload, first=first)

    async def start(self, upload: UploadId) -> Progress:
        """Nothing: room is made with the first byte."""
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
        """Gather the pieces, then show them all at once."""
        keys.require_upload(upload)
        before = self._written(upload, progress)
        generation = progress.driver
        if takeover:
            used = self._uploads.setdefault(upload, {})
            generation = str(max((int(name or 0) for name in used), default=0) + 1)
            used[generation] = before
        if hasher is not None and hasher.size_bytes == 0:
            hasher.update(before)
        if hasher is not None and hasher.size_bytes != len(before):
            raise ValueError(f"the hash stands at {hasher.size_bytes}, the upload at {len(before)}")
        gathered = [before]
        async for piece in pieces:
            gathered.append(piece)
            if hasher is not None:
                hasher.update(piece)
            await asyncio.sleep(0)
        data = b"".join(gathered)
        self._uploads.setdefault(upload, {})[generation] = data
        return Progress(size_bytes=len(data), hash_state=hasher.state() if hasher else b"", driver=generation)

    async def adopt(self, upload: UploadId, file: LocalFile) -> None:
        """None: nothing here is a file."""
        del file
        keys.require_upload(upload)

    def read_upload(self, upload: UploadId, progress: Progress) -> AsyncIterator[bytes]:
        """The bytes of an upload."""
        keys.require_upload(upload)
        return self._read(lambda: self._written(upload, progress), 0, progress.size_bytes)

    async def finish(self, upload: UploadId, progress: Progress, key: str) -> Stat:
        """Give the bytes their key."""
        keys.require_upload(upload)
        keys.require_key(key)
        if upload not in self._uploads and len(self._objects.get(key, b"-")) == progress.size_bytes:
            return self._stat(key)
        self._objects[key] = self._written(upload, progress)
        self._uploads.pop(upload, None)
        return self._stat(key)

    async def abort(self, upload: UploadId, progress: Progress) -> None:
        """Forget an upload."""
        del progress
        keys.require_upload(upload)
        self._uploads.pop(upload, None)

    async def uploads(self) -> AsyncIterator[UploadId]:
        """The uploads that have bytes."""
        for upload in list(self._uploads):
            yield upload

    # -- inside

    def _stat(self, key: str) -> Stat:
        return Stat(len(self._objects[key]), None)

    def _written(self, upload: UploadId, progress: Progress) -> bytes:
        data = self._uploads.get(upload, {}).get(progress.driver, b"")
        if len(data) < progress.size_bytes:
            raise UploadUnknown("the bytes of this upload are not there any more; begin a new one")
        return data[: progress.size_bytes]

    async def _read(self, find: Callable[[], bytes | None], start: int, stop: int | None) -> AsyncIterator[bytes]:
        if start < 0 or (stop is not None and stop < start):
            raise ValueError(f"no range: {start} to {stop}")
        data = find()
        if data is None or len(data) < (start if stop is None else stop):
            raise BlobDamaged
        end = len(data) if stop is None else stop
        for offset in range(start, end, _PIECE_BYTES):
            yield data[offset : min(offset + _PIECE_BYTES, end)]
            await asyncio.sleep(0)


DRIVER = Memory
